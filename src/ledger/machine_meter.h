// SPDX-License-Identifier: Apache-2.0
// What of the machine's time and energy an answer took. Answers that are computed at the same time
// share both evenly, moment by moment: the shares of all add up to what was used while there was
// any.
//
// Energy is read from the processor's counters (base/energy.h) where they may be read, else it is
// estimated: power grows in a line with the share of the processors that this program keeps busy,
// from idle to active watts (Fan, Weber and Barroso, "Power Provisioning for a Warehouse-sized
// Computer", 2007).
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "ledger/ledger_line.h"

namespace kinglet {

// Of a desktop processor of the 65 W class; docs/ledger.md says how to find one's own.
struct PowerModel {
  double idle_watts = 20;
  double active_watts = 65;  // with all processors busy
};

// The machine at a moment; only differences mean something.
struct MachineReading {
  double ms = 0;
  double cpu_ms = 0;             // that all threads of this program have computed
  std::optional<double> joules;  // counted; unset: no counter may be read
};

class MachineMeter {
 public:
  using Read = std::function<MachineReading()>;
  // cpus: that this program may use, at least one.
  MachineMeter(PowerModel power, int cpus, Read read);
  // Of this machine. powercap: another folder in tests.
  explicit MachineMeter(PowerModel power,
                        const std::filesystem::path& powercap = "/sys/class/powercap");
  MachineMeter(const MachineMeter&) = delete;
  MachineMeter& operator=(const MachineMeter&) = delete;

  // From Begin to End, or to its own end. Must not outlive the meter.
  class Share {
   public:
    explicit Share(MachineMeter& meter);
    Share(Share&& other) noexcept;
    Share& operator=(Share&&) = delete;
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share();

    // Sets machine_ms, joules and their source; once.
    void End(LedgerLine& line);

   private:
    MachineMeter* meter_;
    double start_ms_ = 0, start_joules_ = 0;
  };

  // From any thread.
  Share Begin() { return Share(*this); }

 private:
  void Advance();  // with the lock

  const PowerModel power_;
  const int cpus_;
  const Read read_;
  std::mutex mutex_;
  MachineReading last_;
  int running_ = 0;
  double ms_ = 0, joules_ = 0;  // what one answer that ran all the time would have as its share
  bool is_counted_ = false;     // joules_, by a counter
};

}  // namespace kinglet
