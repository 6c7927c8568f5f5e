// Scheduler: work from inside and outside reaches the workers; its end waits for threads that are
// still inside.
#include "exec/scheduler.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "support/thread_park.hpp"

namespace weft::scheduler_test {
namespace {

class CountedWork final : public Runnable {
 public:
  explicit CountedWork(std::atomic<int>& count) noexcept
      : Runnable(&CountedWork::on_run), count_(count) {}

 private:
  static void on_run(Runnable& self) noexcept { ++static_cast<CountedWork&>(self).count_; }
  std::atomic<int>& count_;
};

/// A scheduler whose workers run on threads of their own until `count` has reached `target`.
class Crew {
 public:
  Crew(std::size_t workers, int target) : target_(target) {
    std::vector<detail::Park*> parks;
    for (std::size_t i = 0; i < workers; ++i) {
      parks_.push_back(std::make_unique<test::ThreadPark>());
      parks.push_back(parks_.back().get());
    }
    scheduler_ = std::make_unique<detail::Scheduler>(parks);
  }
  void start() {
    for (std::size_t i = 0; i < scheduler_->size(); ++i) {
      threads_.emplace_back(
          [this, i] { scheduler_->worker(i).run_until([this] { return done(); }); });
    }
  }
  void finish() {
    while (!done()) std::this_thread::yield();
    scheduler_->unpark_all();
    for (std::thread& thread : threads_) thread.join();
  }
  [[nodiscard]] detail::Scheduler& scheduler() { return *scheduler_; }
  [[nodiscard]] bool done() const { return count.load() >= target_; }

  std::atomic<int> count{0};

 private:
  int target_;
  std::vector<std::unique_ptr<test::ThreadPark>> parks_;
  std::unique_ptr<detail::Scheduler> scheduler_;
  std::vector<std::thread> threads_;
};

TEST(Scheduler, RunsWhatComesFromOutside) {
  for (const std::size_t workers : {std::size_t{1}, std::size_t{2}, std::size_t{8}}) {
    constexpr int items = 5000;
    Crew crew(workers, items);
    std::vector<std::unique_ptr<CountedWork>> work;
    for (int i = 0; i < items; ++i) work.push_back(std::make_unique<CountedWork>(crew.count));
    crew.start();
    for (const auto& item : work) crew.scheduler().schedule(*item);
    crew.finish();
    EXPECT_EQ(crew.count.load(), items);
  }
}

/// Schedules all of its children when it runs, more than a local queue holds.
class Spreader final : public Runnable {
 public:
  Spreader(detail::Scheduler& scheduler,
           std::vector<std::unique_ptr<CountedWork>>& children) noexcept
      : Runnable(&Spreader::on_run), scheduler_(scheduler), children_(children) {}

 private:
  static void on_run(Runnable& self) noexcept {
    auto& spreader = static_cast<Spreader&>(self);
    for (const auto& child : spreader.children_) spreader.scheduler_.schedule(*child);
  }
  detail::Scheduler& scheduler_;
  std::vector<std::unique_ptr<CountedWork>>& children_;
};

TEST(Scheduler, WhatOneTaskMakesRunnableIsNeverLostHoweverMuchItIs) {
  for (const std::size_t workers : {std::size_t{1}, std::size_t{2}, std::size_t{8}}) {
    constexpr int items = 5000;
    Crew crew(workers, items);
    std::vector<std::unique_ptr<CountedWork>> children;
    for (int i = 0; i < items; ++i) children.push_back(std::make_unique<CountedWork>(crew.count));
    Spreader spreader(crew.scheduler(), children);
    crew.start();
    crew.scheduler().schedule(spreader);
    crew.finish();
    EXPECT_EQ(crew.count.load(), items);
  }
}

TEST(Scheduler, WaitsForThoseWhoHoldIt) {
  test::ThreadPark park;
  auto scheduler = std::make_unique<detail::Scheduler>(std::vector<detail::Park*>{&park});
  scheduler->hold();
  std::atomic<bool> gone{false};
  detail::Scheduler& held = *scheduler;
  std::thread owner([&] {
    scheduler.reset();
    gone = true;
  });
  for (int i = 0; i < 1000; ++i) {
    std::this_thread::yield();
    EXPECT_FALSE(gone.load());
  }
  held.release();
  owner.join();
  EXPECT_TRUE(gone.load());
}

}  // namespace
}  // namespace weft::scheduler_test
