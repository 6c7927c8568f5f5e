// What the contract of drivers says of files alone (13, 14): what is done in place, the order at
// the cursor, also over several drivers, and what a cancel does to it.
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "conformance/drivers.hpp"
#include "conformance/file_support.hpp"
#include "conformance/gated_lane.hpp"
#include "os/fault.hpp"

namespace weft::testing::file_conformance_test {
namespace {

class Files : public ::testing::TestWithParam<DriverFactory>, public Accounting {
 protected:
  Files() : Accounting(GetParam()) { lane.shut(); }
  ~Files() override {
    lane.stop();
    expect_clean();
  }

  GatedLane& lane = GatedLane::instance();
};

using Op = FileOperation;
using enum OperationKind;

TEST_P(Files, C13_WhatIsInMemoryIsReadInPlace) {
  const FilePointer file = make_file("hello");
  Op read(read_at, file.get(), std::string(4096, ' '), 1);
  EXPECT_FALSE(runner.start(read));
  EXPECT_EQ(read.text(), "ello");
  Op at_end(read_at, file.get(), std::string(4096, ' '), 5);
  EXPECT_FALSE(runner.start(at_end));
  EXPECT_EQ(at_end.result, 0);
  Op empty(read_at, file.get(), "", 0);
  EXPECT_FALSE(runner.start(empty));
  EXPECT_EQ(empty.result, 0);
}

TEST_P(Files, C13_AReadInPlaceThatMissesGoesToTheLane) {
  const FilePointer file = make_file("hello");
  detail::ScopedFaults faults;
  faults.add({.call = detail::Call::read_in_place, .errno_value = EAGAIN});
  Op read(read_at, file.get(), std::string(5, ' '), 0);
  ASSERT_TRUE(runner.start(read));
  EXPECT_EQ(lane.held(), 1U);
  lane.open();
  runner.wait_for({&read});
  EXPECT_EQ(read.text(), "hello");
  Op again(read_at, file.get(), std::string(5, ' '), 0);
  EXPECT_FALSE(runner.start(again)) << "a miss says nothing about the next read";
}

TEST_P(Files, C13_WhatIsHalfInMemoryIsReadToItsEnd) {
  const FilePointer file = make_file("hello");
  detail::ScopedFaults faults;
  faults.add({.call = detail::Call::read_file, .size = 2});  // the first call takes a part
  faults.add({.call = detail::Call::read_in_place, .errno_value = EAGAIN, .skip = 1});
  Op read(read_at, file.get(), std::string(64, ' '), 0);
  ASSERT_TRUE(runner.start(read));
  lane.open();
  runner.wait_for({&read});
  EXPECT_EQ(read.text(), "hello");
}

TEST_P(Files, C13_AFileSystemThatCannotReadInPlaceIsRemembered) {
  const FilePointer file = make_file("hello");
  lane.open();
  detail::ScopedFaults faults;
  faults.add({.call = detail::Call::read_in_place, .errno_value = EOPNOTSUPP});
  for (int i = 0; i < 3; ++i) {
    Op read(read_at, file.get(), std::string(64, ' '), 0);
    ASSERT_TRUE(runner.start(read));
    runner.wait_for({&read});
    EXPECT_EQ(read.text(), "hello");
  }
  EXPECT_EQ(faults.calls(detail::Call::read_in_place), 1U);
}

TEST_P(Files, C13_OperationsWithOffsetsDoNotWaitForOneAnother) {
  const FilePointer file = make_file();
  std::vector<std::unique_ptr<Op>> writes;
  for (int i = 0; i < 100; ++i) {
    writes.push_back(std::make_unique<Op>(write_at, file.get(), "x", i));
    ASSERT_TRUE(runner.start(*writes.back()));
  }
  EXPECT_EQ(lane.held(), 100U);
  lane.open();
  for (const auto& write : writes) runner.wait_for({write.get()});
  EXPECT_EQ(contents_of(*file).size(), 100U);
}

TEST_P(Files, C13_OperationsAtTheCursorTakeTurns) {
  const FilePointer file = make_file();
  Op first(write_at, file.get(), "one ");
  Op second(write_at, file.get(), "two ");
  Op third(write_at, file.get(), "three");
  for (Op* const write : {&first, &second, &third}) ASSERT_TRUE(runner.start(*write));
  EXPECT_EQ(lane.held(), 1U) << "the others wait for their turn";
  lane.open();
  const auto order = runner.wait_for({&first, &second, &third});
  EXPECT_EQ(order, (std::vector<TestOperation*>{&first, &second, &third}));
  EXPECT_EQ(contents_of(*file), "one two three");
}

TEST_P(Files, C13_AReadInPlaceDoesNotOvertakeAtTheCursor) {
  const FilePointer file = make_file("old");
  Op write(write_at, file.get(), "new");
  Op read(read_at, file.get(), std::string(8, ' '));
  Op back(seek, file.get(), {}, 0);
  back.call.arguments.flags = SEEK_SET;
  ASSERT_TRUE(runner.start(write));
  ASSERT_TRUE(runner.start(back));
  ASSERT_TRUE(runner.start(read));
  lane.open();
  runner.wait_for({&write, &back, &read});
  EXPECT_EQ(back.result, 0);
  EXPECT_EQ(read.text(), "new");
  Op where(seek, file.get(), {}, 0);
  where.call.arguments.flags = SEEK_CUR;
  EXPECT_FALSE(runner.start(where)) << "nothing is to be waited for";
  EXPECT_EQ(where.result, 3);
}

TEST_P(Files, C13_TheOrderAtTheCursorHoldsOverDrivers) {
  const FilePointer file = make_file();
  DriverRunner other(factory.make());
  Op first(write_at, file.get(), "1");
  Op second(write_at, file.get(), "2");
  Op third(write_at, file.get(), "3");
  ASSERT_TRUE(runner.start(first));
  ASSERT_TRUE(other.start(second));
  ASSERT_TRUE(runner.start(third));
  EXPECT_EQ(lane.held(), 1U);
  lane.open();
  other.wait_for({&second});
  EXPECT_EQ(first.ended, 0) << "its driver was not asked yet";
  runner.wait_for({&first, &third});
  EXPECT_EQ(contents_of(*file), "123");
  lane.stop();  // before the driver ends
  lane.shut();
}

TEST_P(Files, C14_ACancelAtTheCursorPassesTheTurnOn) {
  const FilePointer file = make_file();
  Op first(write_at, file.get(), "1");
  Op second(write_at, file.get(), "2");
  Op third(write_at, file.get(), "3");
  for (Op* const write : {&first, &second, &third}) ASSERT_TRUE(runner.start(*write));
  runner.cancel(second);
  EXPECT_EQ(second.ended, 1) << "it waited for its turn";
  runner.cancel(first);
  EXPECT_EQ(first.ended, 1) << "no thread had begun it";
  EXPECT_EQ(lane.held(), 1U) << "the turn is the third one's";
  lane.open();
  runner.wait_for({&third});
  EXPECT_EQ(contents_of(*file), "3");
}

TEST_P(Files, C13_WithoutAThreadTheOperationHasAnError) {
  const FilePointer file = make_file();
  Op first(write_at, file.get(), "1");
  Op second(write_at, file.get(), "2");
  ASSERT_TRUE(runner.start(first));
  ASSERT_TRUE(runner.start(second));
  lane.refuse(std::errc::resource_unavailable_try_again);
  Op third(sync, file.get());
  EXPECT_FALSE(runner.start(third));
  EXPECT_EQ(third.result, -EAGAIN);
  lane.open();
  runner.wait_for({&first, &second});
  EXPECT_EQ(first.result, 1);
  EXPECT_EQ(second.result, -EAGAIN) << "its turn came when no thread could be had";
  Op fourth(write_at, file.get(), "4");
  EXPECT_FALSE(runner.start(fourth));
  lane.accept();
  Op fifth(write_at, file.get(), "5");
  ASSERT_TRUE(runner.start(fifth)) << "the turn was not lost";
  runner.wait_for({&fifth});
  EXPECT_EQ(contents_of(*file), "15");
}

TEST_P(Files, C07_AThousandCompletionsComeInBatches) {
  const FilePointer file = make_file(std::string(1000, 'x'));
  lane.stop();
  lane.shut(1);
  detail::ScopedFaults faults;
  faults.add(
      {.call = detail::Call::read_in_place, .errno_value = EAGAIN, .times = detail::Fault::always});
  std::vector<std::unique_ptr<Op>> reads;
  for (int i = 0; i < 1000; ++i) {
    reads.push_back(std::make_unique<Op>(read_at, file.get(), " ", i));
    ASSERT_TRUE(runner.start(*reads.back()));
  }
  lane.open();
  std::size_t ended = 0;
  while (ended < reads.size()) {
    const std::size_t now = runner.wait(DriverRunner::no_limit).size();
    EXPECT_LE(now, 64U);
    ended += now;
  }
  for (const auto& read : reads) EXPECT_EQ(read->text(), "x");
}

TEST_P(Files, C14_CancelsFromTheOwnerWhileTheLaneRuns) {
  const FilePointer file = make_file();
  lane.open();
  int done = 0;
  for (int i = 0; i < 2000; ++i) {
    Op write(write_at, file.get(), "x");
    if (!runner.start(write)) continue;
    if (i % 3 == 0) std::this_thread::yield();
    runner.cancel(write);
    runner.wait_for({&write});
    EXPECT_TRUE(write.result == 1 || write.result == -ECANCELED) << write.result;
    done += write.result == 1 ? 1 : 0;
  }
  EXPECT_EQ(contents_of(*file).size(), static_cast<std::size_t>(done));
}

std::string driver_name(const ::testing::TestParamInfo<DriverFactory>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Drivers, Files, ::testing::ValuesIn(drivers_to_test()), driver_name);

}  // namespace
}  // namespace weft::testing::file_conformance_test
