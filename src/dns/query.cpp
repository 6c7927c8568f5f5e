// A query, from the outside in: query() looks into the cache, and joins a look-up that asks the
// same. ask_servers() asks one server after the other until each type has its answer. Round does so
// with one of them, and stops waiting when its time is over.
#include "dns/query.hpp"

#include <ares.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include <weft/dns/error.hpp>

#include "dns/message.hpp"

namespace weft::inline v0_1::dns {
namespace {

/// One type of records of a look-up.
struct Asked {
  explicit Asked(RecordType type) noexcept : reply(type) {}
  Reply reply;
  std::optional<Answer> answer;
  std::error_code failure = make_error_code(Errc::timed_out);  // while there is no answer
};

Answer failed(std::error_code error) {
  Answer answer;
  answer.error = error;
  return answer;
}

/// Reads a reply that has ended: into an answer, or a failure if another server may do better.
void read(Asked& asked, const std::string& name, std::error_code socket_error) {
  switch (asked.reply.status) {
    case ARES_ENOMEM:
      throw std::bad_alloc();
    case ARES_ECONNREFUSED:
      asked.failure = socket_error ? socket_error : make_error_code(Errc::unreachable);
      return;
    case ARES_ESERVFAIL:
      asked.failure = Errc::server_failure;
      return;
    case ARES_ENOTIMP:
      asked.failure = Errc::not_implemented;
      return;
    case ARES_EREFUSED:
      asked.failure = Errc::refused;
      return;
    case ARES_EBADNAME:
      asked.answer = failed(Errc::bad_name);
      return;
    default:
      break;
  }
  asked.answer = asked.reply.message.empty()
                     ? failed(Errc::bad_response)
                     : read_message(asked.reply.message, name, asked.reply.type);
}

/// The queries of one look-up.
class Queries {
 public:
  Queries(std::string name, const std::vector<RecordType>& types) : name_(std::move(name)) {
    asked_.reserve(types.size());
    for (const RecordType type : types) asked_.emplace_back(type);
  }
  Queries(const Queries&) = delete;
  Queries& operator=(const Queries&) = delete;

  [[nodiscard]] bool have_ended() const noexcept {
    return std::ranges::all_of(asked_, [](const Asked& each) { return each.reply.has_ended; });
  }
  [[nodiscard]] bool are_answered() const noexcept {
    return std::ranges::all_of(asked_, [](const Asked& each) { return each.answer.has_value(); });
  }
  /// Whether there are addresses, though not of all families.
  [[nodiscard]] bool have_addresses() const noexcept {
    return std::ranges::any_of(
        asked_, [](const Asked& each) { return each.answer && !each.answer->addresses.empty(); });
  }

  /// Asks what is not answered.
  void ask(Channel& channel) {
    for (Asked& each : asked_) {
      if (each.answer) continue;
      each.reply.has_ended = false;
      each.reply.message.clear();
      channel.ask(name_, each.reply);
    }
  }
  /// Reads the replies that have ended.
  void read(std::error_code socket_error) {
    for (Asked& each : asked_) {
      if (!each.answer && each.reply.has_ended) dns::read(each, name_, socket_error);
    }
  }
  /// Moves the answers to the cache, which gives them back.
  Answers keep(Cache& cache) {
    TypedAnswers answers;
    for (Asked& each : asked_) {
      Answer answer = each.answer ? std::move(*each.answer) : failed(each.failure);
      answers.emplace_back(each.reply.type, std::move(answer));
    }
    return cache.keep(name_, std::move(answers), now());
  }

 private:
  const std::string name_;
  std::vector<Asked> asked_;  // in place while a channel has their replies
};

/// Asks the servers, beginning with number `first`; ends at `limit` or when each query has ended,
/// earlier if the answer of the second family takes too long. False: in that case.
Task<bool> ask_once(Channel& channel, Queries& queries, TimePoint limit, bool has_addresses,
                    Nanoseconds family_delay) {
  queries.ask(channel);
  queries.read(channel.socket_error());
  std::optional<TimePoint> family_limit;
  while (!queries.have_ended()) {
    if (!family_limit && (has_addresses || queries.have_addresses())) {
      family_limit = deadline_after(family_delay);
    }
    const TimePoint until = family_limit ? std::min(limit, *family_limit) : limit;
    const bool goes_on = co_await channel.serve(until);
    queries.read(channel.socket_error());
    if (!goes_on) break;
  }
  channel.cancel();
  co_return !family_limit || queries.are_answered();
}

Task<Answers> ask_servers(Servers& servers, QueryLimits limits, std::string name,
                          std::vector<RecordType> types, bool has_addresses) {
  Queries queries(std::move(name), types);
  const Permit place = co_await limits.places.acquire();
  const Config& config = servers.config;
  ChannelLease channel(servers.channels);  // goes before the queries
  // Relaxed: only a number.
  const std::size_t first =
      config.rotate ? servers.next_first.fetch_add(1, std::memory_order_relaxed) : 0;
  const std::size_t attempts = config.servers.size() * config.tries;
  for (std::size_t i = 0; i < attempts && !queries.are_answered(); ++i) {
    channel->use_servers(config.servers, first + i);
    const TimePoint limit = deadline_after(config.timeout);
    const bool goes_on =
        co_await ask_once(*channel, queries, limit, has_addresses, limits.family_delay);
    if (!goes_on) break;
  }
  co_return queries.keep(servers.cache);
}

/// What is kept, and which types are not.
Answers take_kept(Servers& servers, const std::string& name, std::vector<RecordType>& types) {
  Answers kept;
  std::erase_if(types, [&](RecordType type) {
    AnswerRef answer = servers.cache.find(name, type, now());
    if (answer == nullptr) return false;
    kept.push_back(std::move(answer));
    return true;
  });
  return kept;
}

std::string question_of(const std::string& name, const std::vector<RecordType>& types) {
  std::string question = name;
  for (const RecordType type : types) question.append(" ").append(to_string(type));
  return question;
}

}  // namespace

Task<Answers> query(Servers& servers, QueryLimits limits, std::string name,
                    std::vector<RecordType> types) {
  for (;;) {
    std::vector<RecordType> missing = types;
    Answers answers = take_kept(servers, name, missing);
    if (missing.empty()) co_return answers;
    const bool has_addresses = std::ranges::any_of(
        answers, [](const AnswerRef& each) { return !each->addresses.empty(); });
    Flights::Seat seat(servers.flights, question_of(name, missing));
    Flight& flight = seat.flight();
    if (seat.leads()) {
      // Another flight may have ended since.
      Answers found = take_kept(servers, name, missing);
      if (!missing.empty()) {
        const Answers asked =
            co_await ask_servers(servers, limits, name, std::move(missing), has_addresses);
        found.insert(found.end(), asked.begin(), asked.end());
      }
      flight.answers = std::move(found);
    } else {
      co_await flight.has_ended.wait();
    }
    if (flight.answers.empty()) continue;  // the look-up that asked was cancelled
    answers.insert(answers.end(), flight.answers.begin(), flight.answers.end());
    co_return answers;
  }
}

}  // namespace weft::inline v0_1::dns
