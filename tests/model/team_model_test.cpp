// Giving work on request: a job that a member has forked is run once, by the member or by the
// asker, in every interleaving of asking, withdrawing, giving, cancelling and waiting.
#include "compute/team.hpp"

#include <array>
#include <stdexcept>
#include <weft/extend/frame_pool.hpp>
#include <weft/parallel.hpp>

#include "model/model_test.hpp"

namespace weft::detail {

/// A team without threads of its own: the threads of the test are its members.
class TeamUnderModel {
 public:
  explicit TeamUnderModel(std::size_t size) : team_(size) { team_.make_members(); }

  [[nodiscard]] detail::TeamMember& member(std::size_t index) noexcept {
    return *team_.members_[index];
  }
  void computes(std::size_t index, detail::ForkRegion& region) noexcept {
    member(index).region_ = &region;
    member(index).busy_.store(true, std::memory_order_relaxed);
  }
  void has_ended(std::size_t index) noexcept { member(index).set_idle(); }
  [[nodiscard]] bool runs_anothers(std::size_t index) noexcept {
    return member(index).run_anothers();
  }
  /// Does what a member does after it has asked for long, if there is a victim to ask.
  void sleeps_asking(std::size_t index) noexcept {
    detail::TeamMember* const victim = member(index).ask_for_long();
    if (victim != nullptr) member(index).sleep_for_answer(*victim);
  }
  void cancel(detail::ForkRegion& region) noexcept { team_.cancel(region); }

  void root_begins() noexcept { team_.active_.fetch_add(1, std::memory_order_relaxed); }
  void root_ends() noexcept { team_.root_ended(); }
  void works_until_the_stop(std::size_t index) noexcept { member(index).work(); }
  void stop() noexcept { team_.request_stop(); }

 private:
  detail::Team team_;
};

}  // namespace weft::detail

namespace weft::model::team_model_test {
namespace {

struct Job final : detail::ForkJob {
  Job() : detail::ForkJob(&Job::act) {}
  static bool act(detail::ForkJob& self, Act what, detail::TeamMember&) {
    if (what == Act::run) static_cast<Job&>(self).run();
    return true;
  }
  void run() {
    ++runs;  // no atomic: it may happen once, and the owner's join comes after it
    if (fails) throw std::domain_error("as it should");
  }
  int runs = 0;
  bool fails = false;
};

void take_back_or_join(detail::TeamMember& member, Job& job) {
  if (member.take_back(job)) {
    job.run();
  } else {
    member.join(job);
  }
}

/// A fork as parallel_invoke() makes it.
void fork(detail::TeamMember& member, Job& job) {
  member.push(job);
  if (member.asked()) member.answer();
  if (member.asked()) member.answer();
  take_back_or_join(member, job);
}

void one_asks(Execution& execution) {
  detail::TeamUnderModel team(2);
  detail::ForkRegion region;
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

void one_sleeps(Execution& execution) {
  detail::TeamUnderModel team(2);
  detail::ForkRegion region;
  std::array<Job, 2> jobs;
  team.computes(0, region);
  execution.thread([&] {
    detail::TeamMember& member = team.member(0);
    if (member.asked()) member.answer();  // it has nothing yet
    fork(member, jobs[0]);
    fork(member, jobs[1]);
    team.has_ended(0);
  });
  execution.thread([&] { team.sleeps_asking(1); });
  execution.join_all();
  require(jobs[0].runs == 1 && jobs[1].runs == 1, "each job is run once");
}

TEST(TeamModel, WhoSleepsAskingIsAnsweredOrSentAway) {
  expect_holds_exhaustively(3, one_sleeps);
  expect_holds_weakly(3, 2, one_sleeps);
  expect_holds_randomly(50000, one_sleeps);
}

void two_sleep(Execution& execution) {
  detail::TeamUnderModel team(3);
  detail::ForkRegion region;
  Job job;
  team.computes(0, region);
  execution.thread([&] {
    fork(team.member(0), job);
    team.has_ended(0);
  });
  // Neither has a job for the other, though each may ask the other.
  for (std::size_t thief : {1U, 2U}) {
    execution.thread([&, thief] {
      team.sleeps_asking(thief);
      team.has_ended(thief);
    });
  }
  execution.join_all();
  require(job.runs == 1, "the job is run once");
}

TEST(TeamModel, TwoWhoSleepAskingAreBothWoken) {
  expect_holds_exhaustively(2, two_sleep);
  expect_holds_randomly(50000, two_sleep);
}

struct Steps {
  std::array<Shared<int>, 5>& done;
  int own = 0;
  int given = 0;
  void step(std::size_t i) {
    ++done[i].write();
    ++own;
  }
  [[nodiscard]] Steps fresh() const { return {done}; }
  void join(Steps&& others) { given += others.own + others.given; }
};

/// Runs a loop whose thief does `asks`. Returns how many of its steps were given away.
template <class Asks>
int loop(Execution& execution, Asks asks) {
  detail::TeamUnderModel team(2);
  detail::ForkRegion region;
  std::array<Shared<int>, 5> done;
  Steps steps{done};
  team.computes(0, region);
  execution.thread([&] {
    detail::ForkLoop<std::size_t, Steps>::run(team.member(0), steps, 0, done.size(), 1);
    team.has_ended(0);
  });
  execution.thread([&] { asks(team); });
  execution.join_all();
  for (Shared<int>& each : done) require(each.read() == 1, "each step is done once");
  require(steps.own + steps.given == 5, "what was done elsewhere is joined");
  return steps.given;
}

TEST(TeamModel, EachStepOfALoopIsDoneOnce) {
  const auto program = [](auto asks) {
    return [asks](Execution& execution) { static_cast<void>(loop(execution, asks)); };
  };
  const auto asks =
      program([](detail::TeamUnderModel& team) { static_cast<void>(team.runs_anothers(1)); });
  expect_holds_exhaustively(3, asks);
  expect_holds_weakly(2, 2, asks);
  expect_holds_randomly(20000, asks);
  const auto sleeps = program([](detail::TeamUnderModel& team) { team.sleeps_asking(1); });
  expect_holds_exhaustively(3, sleeps);
  expect_holds_weakly(2, 2, sleeps);
  expect_holds_randomly(20000, sleeps);
}

TEST(TeamModel, ALoopGivesAgain) {
  bool again = false;
  const auto program = [&again](Execution& execution) {
    const int given = loop(execution, [](detail::TeamUnderModel& team) {
      static_cast<void>(team.runs_anothers(1));
      static_cast<void>(team.runs_anothers(1));
    });
    if (given == 3) again = true;
  };
  expect_holds_exhaustively(2, program);
  EXPECT_TRUE(again) << "in some execution the thief is given a part of what was left";
}

/// Of two loops, one in each step of the other. Records which thread did each step.
struct Inner {
  std::array<bool, 4>& by_thief;
  std::size_t outer;
  bool thief = false;
  void step(std::size_t i) { by_thief[2 * outer + i] = thief; }
  [[nodiscard]] Inner fresh() const { return {by_thief, outer, true}; }
  void join(Inner&&) {}
};
struct Outer {
  std::array<bool, 4>& by_thief;
  std::array<detail::TeamMember*, 2> members;
  bool thief = false;
  void step(std::size_t i) {
    Inner inner{by_thief, i, thief};
    detail::ForkLoop<std::size_t, Inner>::run(*members[thief ? 1 : 0], inner, 0, 2, 1);
  }
  [[nodiscard]] Outer fresh() const { return {by_thief, members, true}; }
  void join(Outer&&) {}
};

void nested_loops(Execution& execution) {
  detail::TeamUnderModel team(2);
  detail::ForkRegion region;
  std::array<bool, 4> by_thief{};
  team.computes(0, region);
  execution.thread([&] {
    Outer outer{by_thief, {&team.member(0), &team.member(1)}};
    detail::ForkLoop<std::size_t, Outer>::run(team.member(0), outer, 0, 2, 1);
    team.has_ended(0);
  });
  execution.thread([&] { static_cast<void>(team.runs_anothers(1)); });
  execution.join_all();
  require(!by_thief[0] && !by_thief[1], "the half of the outer loop is given first");
  require(!by_thief[2] || by_thief[3], "of a loop the last steps are given");
}

TEST(TeamModel, OfNestedLoopsTheOuterOneIsShared) { expect_holds_exhaustively(3, nested_loops); }

void two_ask(Execution& execution) {
  detail::TeamUnderModel team(3);
  detail::ForkRegion region;
  std::array<Job, 2> jobs;
  team.computes(0, region);
  execution.thread([&] {
    detail::TeamMember& member = team.member(0);
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
  detail::TeamUnderModel team(2);
  detail::ForkRegion region;
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
  detail::TeamUnderModel team(2);
  detail::ForkRegion region;
  Job job;
  team.computes(0, region);
  bool cancelled = false;
  execution.thread([&] {
    detail::TeamMember& member = team.member(0);
    member.push(job);
    bool answered = false;
    try {
      if (member.asked()) member.answer();
      answered = true;
      take_back_or_join(member, job);
    } catch (const detail::ForkCancelled&) {
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

/// Forks where it is run.
struct ForkingJob final : detail::ForkJob {
  ForkingJob() : detail::ForkJob(&ForkingJob::act) {}
  static bool act(detail::ForkJob&, Act what, detail::TeamMember& member) {
    if (what == Act::run && member.asked()) member.answer();
    return true;
  }
};

/// A member of one region runs a job of another region, as it does while it waits. Meanwhile its
/// own region is cancelled.
void cancel_meets_anothers_job(Execution& execution) {
  detail::TeamUnderModel team(2);
  detail::ForkRegion own;
  detail::ForkRegion others;
  ForkingJob job;
  Atomic<bool> cancelled{false};
  team.computes(0, own);
  team.computes(1, others);
  execution.thread([&] {
    detail::TeamMember& member = team.member(0);
    static_cast<void>(team.runs_anothers(0));
    bool thrown = false;
    const bool to_be_thrown = cancelled.load(std::memory_order_acquire);
    try {
      if (member.asked()) member.answer();
    } catch (const detail::ForkCancelled&) {
      thrown = true;
    }
    require(thrown || !to_be_thrown, "the next fork sees the cancel");
    team.has_ended(0);
  });
  execution.thread([&] {
    detail::TeamMember& member = team.member(1);
    member.push(job);
    if (member.asked()) member.answer();
    if (!member.take_back(job)) member.join(job);
    team.has_ended(1);
  });
  execution.thread([&] {
    team.cancel(own);
    cancelled.store(true, std::memory_order_release);
  });
  execution.join_all();
}

TEST(TeamModel, ACancelThatComesDuringAnothersJobIsSeen) {
  expect_holds_exhaustively(2, cancel_meets_anothers_job);
  expect_holds_randomly(50000, cancel_meets_anothers_job);
}

void stop_meets_the_last_end(Execution& execution) {
  detail::TeamUnderModel team(1);
  team.root_begins();  // one that a thread beside the team runs
  execution.thread([&] { team.works_until_the_stop(0); });
  execution.thread([&] { team.root_ends(); });
  execution.thread([&] { team.stop(); });
  execution.join_all();
}

TEST(TeamModel, AStopEndsWhoHasNothingToDo) {
  expect_holds_exhaustively(3, stop_meets_the_last_end);
  expect_holds_weakly(2, 2, stop_meets_the_last_end);
  expect_holds_randomly(20000, stop_meets_the_last_end);
}

TEST(TeamModel, ACancelLosesNoQuestionAndNoAnswer) {
  expect_holds_exhaustively(2, cancel_meets_asking);
  expect_holds_randomly(50000, cancel_meets_asking);
}

}  // namespace
}  // namespace weft::model::team_model_test
