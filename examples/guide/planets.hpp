// What the two programs of chapter 15 have in common: the questions, and how answers are shown.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

// [questions]
/// One that the delay server is asked: how long it takes over it, and what it will say.
struct Question {
  std::string_view planet;
  int delay_ms;
  std::string_view moons;
};

constexpr std::array<Question, 5> questions = {{{"Mercury", 60, "none"},
                                                {"Venus", 40, "none"},
                                                {"Earth", 20, "one"},
                                                {"Mars", 2000, "two"},
                                                {"Jupiter", 3000, "many"}}};
constexpr std::chrono::milliseconds time_limit{400};

using Answers = std::array<std::optional<std::string>, 5>;

inline std::string text_of(const Answers& answers) {
  std::string text;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    text += std::string(questions.at(i).planet) + ": " +
            answers.at(i).value_or("no answer in time") + "\n";
  }
  return text;
}
// [/questions]

/// A question that is answered at once, for the measurement.
constexpr Question quick = {"Earth", 0, "one"};
