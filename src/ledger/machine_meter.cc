// SPDX-License-Identifier: Apache-2.0
// One sum for all: an answer's share is how far the sum has come between its begin and its end.
#include "ledger/machine_meter.h"

#include <utility>

#include "base/clock.h"
#include "base/energy.h"
#include "base/thread_pool.h"

namespace kinglet {
namespace {

MachineMeter::Read ReadThisMachine(const std::filesystem::path& powercap) {
  return [counters = std::make_shared<EnergyMeter>(powercap)] {
    return MachineReading{
        .ms = MonotonicMs(), .cpu_ms = ProcessCpuMs(), .joules = counters->Joules()};
  };
}

}  // namespace

MachineMeter::MachineMeter(PowerModel power, int cpus, Read read)
    : power_(power), cpus_(cpus), read_(std::move(read)), last_(read_()) {
  is_counted_ = last_.joules.has_value();
}

MachineMeter::MachineMeter(PowerModel power, const std::filesystem::path& powercap)
    : MachineMeter(power, AvailableCpus(), ReadThisMachine(powercap)) {}

void MachineMeter::Advance() {
  const MachineReading now = read_();
  const double ms = now.ms - last_.ms;
  const double busy_ms = (now.cpu_ms - last_.cpu_ms) / cpus_;
  double joules =
      (power_.idle_watts * ms + (power_.active_watts - power_.idle_watts) * busy_ms) / 1000;
  // A counter that can be read no more is none from then on.
  is_counted_ = is_counted_ && now.joules.has_value();
  if (is_counted_) joules = now.joules.value_or(0) - last_.joules.value_or(0);
  last_ = now;
  if (running_ == 0) return;
  ms_ += ms / running_;
  joules_ += joules / running_;
}

MachineMeter::Share::Share(MachineMeter& meter) : meter_(&meter) {
  const std::scoped_lock lock(meter.mutex_);
  meter.Advance();
  ++meter.running_;
  start_ms_ = meter.ms_;
  start_joules_ = meter.joules_;
}

MachineMeter::Share::Share(Share&& other) noexcept
    : meter_(std::exchange(other.meter_, nullptr)),
      start_ms_(other.start_ms_),
      start_joules_(other.start_joules_) {}

MachineMeter::Share::~Share() {
  LedgerLine nobodys;
  End(nobodys);
}

void MachineMeter::Share::End(LedgerLine& line) {
  if (meter_ == nullptr) return;
  const std::scoped_lock lock(meter_->mutex_);
  meter_->Advance();
  --meter_->running_;
  line.machine_ms = meter_->ms_ - start_ms_;
  line.joules = meter_->joules_ - start_joules_;
  line.joules_source = meter_->is_counted_ ? "rapl" : "estimate";
  meter_ = nullptr;
}

}  // namespace kinglet
