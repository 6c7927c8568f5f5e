// Giving work on request: a job that a member has forked is run once, by it or by the one who
// asked, in every interleaving of asking, withdrawing, giving, cancelling and waiting.
#include "exec/team.hpp"

#include <array>
#include <stdexcept>
#include <weft/frame_pool.hpp>

#include "model/model_test.hpp"

namespace weft {

/// A team without threads of its own: the test's are its members.
class TeamUnderModel {
 public:
  explicit TeamUnderModel(std::size_t size) : team_(size) { team_.make_members(); }

  [[nodiscard]] TeamMember& member(std::size_t index) noexcept { return *team_.members_[index]; }
  void computes(std::size_t index, ForkRegion& region) noexcept {
    member(index).region_ = &region;
    member(index).busy_.store(true, std::memory_order_relaxed);
  }
  void has_ended(std::size_t index) noexcept {
    member(index).busy_.store(false, std::memory_order_relaxed);
    member(index).decline();
  }
  [[nodiscard]] bool runs_anothers(std::size_t index) noexcept {
    return member(index).run_anothers();
  }
  void cancel(ForkRegion& region) noexcept { team_.cancel(region); }

 private:
  Team team_;
};

namespace model {
namespace {

struct Job final : ForkJob {
  Job() : ForkJob(&Job::run_job) {}
  static void run_job(ForkJob& self) {
    auto& job = static_cast<Job&>(self);
    ++job.runs;  // no atomic: it may happen once, and the owner's join comes after it
    if (job.fails) throw std::domain_error("as it should");
  }
  int runs = 0;
  bool fails = false;
};

void take_back_or_join(TeamMember& member, Job& job) {
  if (member.take_back(job)) {
    Job::run_job(job);
  } else {
    member.join(job);
  }
}

/// A fork as parallel_invoke() makes it.
void fork(TeamMember& member, Job& job) {
  member.push(job);
  if (member.asked()) member.answer();
  if (member.asked()) member.answer();
  take_back_or_join(member, job);
}

void one_asks(Execution& execution) {
  TeamUnderModel team(2);
  ForkRegion region;
  Job job;
  team.computes(0, region);
  execution.thread([&] {
    fork(team.member(0), job);
    team.has_ended(0);
  });
  execution.thread([&] { static_cast<void>(team.runs_anothers(1)); });
  execution.join_all();
  require(job.runs == 1, "the job is run once");
}

TEST(TeamModel, AJobIsRunOnceByItsOwnerOrByWhoAsked) {
  expect_holds_exhaustively(3, one_asks);
  expect_holds_randomly(50000, one_asks);
}

void two_ask(Execution& execution) {
  TeamUnderModel team(3);
  ForkRegion region;
  std::array<Job, 2> jobs;
  team.computes(0, region);
  execution.thread([&] {
    TeamMember& member = team.member(0);
    member.push(jobs[0]);
    fork(member, jobs[1]);
    take_back_or_join(member, jobs[0]);
    team.has_ended(0);
  });
  for (std::size_t thief : {1U, 2U}) {
    execution.thread([&, thief] { static_cast<void>(team.runs_anothers(thief)); });
  }
  execution.join_all();
  require(jobs[0].runs == 1 && jobs[1].runs == 1, "each job is run once");
}

TEST(TeamModel, TwoWhoAskAtOnceGetDifferentJobs) {
  expect_holds_exhaustively(1, two_ask);
  expect_holds_randomly(50000, two_ask);
}

void fails_elsewhere(Execution& execution) {
  TeamUnderModel team(2);
  ForkRegion region;
  Job job;
  job.fails = true;
  team.computes(0, region);
  bool thrown = false;
  execution.thread([&] {
    try {
      fork(team.member(0), job);
    } catch (const std::domain_error&) {
      thrown = true;
    }
    team.has_ended(0);
  });
  execution.thread([&] { static_cast<void>(team.runs_anothers(1)); });
  execution.join_all();
  require(job.runs == 1 && thrown, "the exception comes out at the owner's, wherever it ran");
}

TEST(TeamModel, AnExceptionComesBack) { expect_holds_exhaustively(2, fails_elsewhere); }

void cancel_meets_asking(Execution& execution) {
  const std::int64_t blocks = frame_pool_stats().live_blocks;
  TeamUnderModel team(2);
  ForkRegion region;
  Job job;
  team.computes(0, region);
  bool cancelled = false;
  execution.thread([&] {
    TeamMember& member = team.member(0);
    member.push(job);
    bool answered = false;
    try {
      if (member.asked()) member.answer();
      answered = true;
      take_back_or_join(member, job);
    } catch (const ForkCancelled&) {
      cancelled = true;
      if (!answered) member.drop(job);  // as ForkScope does, even if it was given just before
    }
    team.has_ended(0);
  });
  execution.thread([&] { static_cast<void>(team.runs_anothers(1)); });
  execution.thread([&] { team.cancel(region); });
  execution.join_all();
  require(job.runs <= 1, "the job is run once at most");
  require(cancelled || job.runs == 1, "nobody was cancelled, so it was run");
  require(frame_pool_stats().live_blocks == blocks, "what was given has come back");
}

TEST(TeamModel, ACancelLosesNoQuestionAndNoAnswer) {
  expect_holds_exhaustively(2, cancel_meets_asking);
  expect_holds_randomly(50000, cancel_meets_asking);
}

}  // namespace
}  // namespace model
}  // namespace weft
