// SPDX-License-Identifier: Apache-2.0
// Models that come and go while many ask for them.
#include "server/model_host.h"

#include <filesystem>
#include <fstream>
#include <new>
#include <thread>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "model/encoder_for_test.h"

namespace kinglet {
namespace {

constexpr const char* kModel = KINGLET_TEST_DATA "/models/stories-q4_0.gguf";

ModelHostOptions TwoModels() {
  ModelHostOptions options;
  options.models = {{"first", {"alias"}, kModel}, {"second", {}, kModel}};
  options.engine.thread_count = 1;
  return options;
}

void Ignore(const std::string&) {}

void WaitFor(const std::function<bool()>& condition) {
  const double end_ms = MonotonicMs() + 20'000;
  while (!condition()) {
    ASSERT_LT(MonotonicMs(), end_ms) << "it did not happen";
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

TEST(ModelHost, LoadsWhatIsAskedFor) {
  ModelHost host(TwoModels(), Ignore);
  EXPECT_FALSE(host.ready());
  EXPECT_TRUE(host.Loaded().empty());
  {
    const auto by_alias = host.Acquire("alias");
    ASSERT_TRUE(by_alias.has_value());
    EXPECT_EQ((*by_alias)->name(), "first");
    const auto first = host.Acquire("");
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ((*first)->engine(), (*by_alias)->engine()) << "it is loaded twice";
    EXPECT_FALSE(host.Unload("first")) << "it is in use";
    EXPECT_EQ(host.Loaded().at(0).requests, 2);
  }
  EXPECT_TRUE(host.ready());
  EXPECT_TRUE(host.Unload("first"));
  EXPECT_FALSE(host.Unload("first"));
  const auto none = host.Acquire("../first");
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code(), StatusCode::kNotFound);
  EXPECT_NE(none.error().message().find("first, alias, second"), std::string::npos);
}

TEST(ModelHost, WhatIsThrownWhileItLoadsKeepsNobodyWaiting) {
  ModelHostOptions options = TwoModels();
  // Too small a cache, of which the model warns.
  options.engine.packed_cache = {
      .folder = testing::TempDir() + "kinglet_packed", .max_bytes = 1, .min_file_bytes = 0};
  bool has_memory = false;
  ModelHost host(options, [&](const std::string&) {
    if (!has_memory) throw std::bad_alloc();
  });
  const auto lease = host.Acquire("first");
  if (lease) GTEST_SKIP() << "the scalar table packs nothing";
  EXPECT_EQ(lease.error().code(), StatusCode::kFailed);
  EXPECT_NE(lease.error().message().find("first"), std::string::npos);
  has_memory = true;
  EXPECT_TRUE(host.Acquire("first").has_value());
}

TEST(ModelHost, PutsAwayWhatNobodyUses) {
  ModelHostOptions options = TwoModels();
  options.keep_alive_s = 0.05;
  ModelHost host(options, Ignore);
  const auto held = host.Acquire("first");
  ASSERT_TRUE(host.Acquire("second").has_value());
  WaitFor([&] { return host.Loaded().size() == 1; });
  EXPECT_EQ(host.Loaded()[0].name, "first");
}

TEST(ModelHost, TellsEncodersApartWithoutLoadingThem) {
  const std::string encoder = testing::TempDir() + "kinglet_encoder.gguf";
  ModelHostOptions options = TwoModels();
  options.models.push_back({"encoder", {}, encoder});
  ModelHost host(options, Ignore);
  EXPECT_FALSE(host.IsEncoder(*host.Find("first")));
  EXPECT_FALSE(host.IsEncoder(*host.Find("encoder"))) << "it is not there yet";
  std::ofstream(encoder, std::ios::binary) << BertForTest().Bytes();
  EXPECT_TRUE(host.IsEncoder(*host.Find("encoder")));
  EXPECT_TRUE(host.Loaded().empty());
  std::filesystem::remove(encoder);
  EXPECT_TRUE(host.IsEncoder(*host.Find("encoder"))) << "it is looked at once";
}

TEST(ModelHost, KeepsToItsMemory) {
  ModelHostOptions options = TwoModels();
  options.memory_bytes = 1;  // one at a time
  ModelHost host(options, Ignore);
  for (const char* const name : {"first", "second", "first"}) {
    ASSERT_TRUE(host.Acquire(name).has_value());
    ASSERT_EQ(host.Loaded().size(), 1U);
    EXPECT_EQ(host.Loaded()[0].name, name);
  }
}

TEST(ModelHost, ManyAskAtOnce) {
  ModelHostOptions options = TwoModels();
  options.memory_bytes = 1;
  options.keep_alive_s = 0;
  ModelHost host(options, Ignore);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        const auto lease = host.Acquire((t + i) % 2 == 0 ? "first" : "second");
        ASSERT_TRUE(lease.has_value());
        GenerationRequest request;
        request.prompt = (*lease)->engine()->prompts().EncodePrompt("Once upon");
        request.max_tokens = 2;
        EXPECT_TRUE((*lease)->engine()->Generate(request, nullptr).has_value());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& status : host.Loaded()) EXPECT_EQ(status.requests, 0);
}

}  // namespace
}  // namespace kinglet
