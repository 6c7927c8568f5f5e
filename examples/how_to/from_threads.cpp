// Threads that are not weft's give work to tasks, and get answers.
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

// [question]
struct Question {
  int number;
  weft::OneshotSender<int> answer;
};

weft::Task<void> answer_questions(weft::Receiver<Question> questions) {
  while (auto question = co_await questions.receive()) {
    co_await weft::sleep_for(1ms);  // stands for I/O
    const int square = question->number * question->number;
    static_cast<void>(std::move(question->answer).send(square));
  }
}

/// Called on any thread that runs no tasks: it may block.
int ask(const weft::Sender<Question>& questions, int number) {
  auto [sender, receiver] = weft::oneshot<int>();
  const auto sent = questions.blocking_send(Question(number, std::move(sender)));
  if (!sent) return -1;  // no receiver is left
  return std::move(receiver).blocking_receive().value_or(-1);
}
// [/question]

// [threads]
int main() {
  weft::Runtime runtime;
  auto [questions, receiver] = weft::channel<Question>(8);
  auto answering = runtime.spawn(answer_questions, std::move(receiver));

  std::vector<int> answers(4);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] { answers[static_cast<std::size_t>(i)] = ask(questions, i); });
    }
  }
  std::printf("answers: %d %d %d %d\n", answers[0], answers[1], answers[2], answers[3]);

  questions.close();
  runtime.block_on(std::move(answering));

  // For a single question there is block_on().
  std::printf("once: %d\n", runtime.block_on([]() -> weft::Task<int> { co_return 16; }));
}
// [/threads]
