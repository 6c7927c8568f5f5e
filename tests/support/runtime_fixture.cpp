#include "support/runtime_fixture.hpp"

#include <exception>

namespace weft::test {

namespace {

std::string what_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (...) {
    return "no std::exception";
  }
}

// Resources that a process opens or starts once and keeps (a sanitizer's own thread, for one) are
// not a leak of a test.
void warm_up() {
  [[maybe_unused]] static const bool warm = [] {
    Runtime{options_for(2)}.shutdown();
    return true;
  }();
}

}  // namespace

RuntimeOptions options_for(std::size_t workers) {
  RuntimeOptions options;
  options.current_thread = workers == 0;
  options.workers = workers;
  return options;
}

RuntimeOptions with_virtual_time() {
  RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;
  return options;
}

void RuntimeTest::SetUp() {
  warm_up();
  before_ = ProcessState::without_runtimes();
}

Runtime& RuntimeTest::runtime() {
  if (runtime_ == nullptr) {
    RuntimeOptions options = options_for(GetParam());
    options.on_failure = [this](const UnhandledFailure& failure) { note(failure); };
    runtime_ = std::make_unique<Runtime>(std::move(options));
  }
  return *runtime_;
}

void RuntimeTest::end_runtime() {
  if (runtime_ == nullptr) return;
  runtime_->shutdown();
  EXPECT_EQ(runtime_->live_tasks(), 0U);
  runtime_.reset();
}

void RuntimeTest::TearDown() {
  end_runtime();
  const ProcessState after = settled(before_);
  EXPECT_TRUE(after == before_) << "before: " << to_string(before_)
                                << "; after: " << to_string(after);
  if (failures_allowed_) return;
  for (const Failure& failure : failures()) ADD_FAILURE() << "nobody awaited: " << failure.what;
}

std::vector<RuntimeTest::Failure> RuntimeTest::failures() const {
  const std::lock_guard lock(mutex_);
  return failures_;
}

void RuntimeTest::note(const UnhandledFailure& failure) {
  Failure noted{what_of(failure.error), {}};
  if (failure.backtrace != nullptr) {
    noted.sites.assign(failure.backtrace->sites().begin(), failure.backtrace->sites().end());
  }
  const std::lock_guard lock(mutex_);
  failures_.push_back(std::move(noted));
}

std::string worker_count_name(const ::testing::TestParamInfo<std::size_t>& info) {
  return info.param == 0 ? "current_thread" : "workers_" + std::to_string(info.param);
}

}  // namespace weft::test
