// A generator by hand, as a range; what it saves against a vector and a callback; and the reference
// that it keeps too long.
#include <coroutine>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <iterator>
#include <memory>
#include <set>
#include <utility>
#include <vector>

// [generator]
/// A coroutine that yields values one after the other, as a range for `for`.
template <class T>
class OwnGenerator {
 public:
  class promise_type {
   public:
    OwnGenerator get_return_object() { return OwnGenerator(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    std::suspend_always yield_value(const T& value) noexcept {
      value_ = std::addressof(value);  // in the frame, which stands still while it is read
      return {};
    }
    void return_void() {}
    void unhandled_exception() { throw; }  // out of resume(): into the loop
    [[nodiscard]] const T& value() const { return *value_; }

   private:
    const T* value_ = nullptr;
  };

  class Iterator {
   public:
    explicit Iterator(const OwnGenerator& generator) : generator_(&generator) {}
    const T& operator*() const { return generator_->frame_.promise().value(); }
    Iterator& operator++() {
      generator_->frame_.resume();
      return *this;
    }
    bool operator==(std::default_sentinel_t) const { return generator_->frame_.done(); }

   private:
    const OwnGenerator* generator_;
  };
  /// Once: it runs to the first value.
  Iterator begin() {
    frame_.resume();
    return Iterator(*this);
  }
  std::default_sentinel_t end() { return {}; }

  OwnGenerator(OwnGenerator&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  OwnGenerator& operator=(OwnGenerator&&) = delete;
  ~OwnGenerator() {
    if (frame_) frame_.destroy();
  }

 private:
  using Handle = std::coroutine_handle<promise_type>;
  explicit OwnGenerator(Handle frame) : frame_(frame) {}

  Handle frame_;
};
// [/generator]

// [three]
int made = 0;

int square_of(int i) {
  ++made;
  return i * i;
}

std::vector<int> squares_in_a_vector(int limit) {
  std::vector<int> squares;
  for (int i = 1; i <= limit; ++i) squares.push_back(square_of(i));
  return squares;
}

template <class Callback>
void each_square(int limit, Callback callback) {
  for (int i = 1; i <= limit; ++i) callback(square_of(i));
}

OwnGenerator<int> squares(int limit) {
  for (int i = 1; i <= limit; ++i) co_yield square_of(i);
}
// [/three]

// [take]
constexpr int limit = 40'000;

void show(const char* how, int sum) {
  std::printf("%-12s sum of those below 100: %d, squares made: %d\n", how, sum,
              std::exchange(made, 0));
}

void take_small_ones() {
  int sum = 0;
  for (const int square : squares_in_a_vector(limit)) {
    if (square >= 100) break;
    sum += square;
  }
  show("a vector:", std::exchange(sum, 0));
  each_square(limit, [&sum](int square) {
    if (square < 100) sum += square;  // there is no way to say “enough”
  });
  show("a callback:", std::exchange(sum, 0));
  for (const int square : squares(limit)) {
    if (square >= 100) break;
    sum += square;
  }
  show("a generator:", sum);
}
// [/take]

// [kept]
/// Keeps a list of those that are alive; asked by address only.
class Batch {
 public:
  Batch() { alive.insert(this); }
  Batch(const Batch&) { alive.insert(this); }
  ~Batch() { alive.erase(this); }
  Batch& operator=(const Batch&) = default;
  static const char* state_of(const Batch& batch) {
    return alive.contains(&batch) ? "there" : "gone";
  }

 private:
  static inline std::set<const Batch*> alive;
};

OwnGenerator<const char*> by_reference(const Batch& batch) { co_yield Batch::state_of(batch); }
OwnGenerator<const char*> by_value(Batch batch) { co_yield Batch::state_of(batch); }

void keep_a_reference() {
  auto wrong = by_reference(Batch());  // the temporary ends with this line
  for (const char* state : wrong) std::printf("by reference: the batch is %s\n", state);
  auto right = by_value(Batch());  // moved into the frame
  for (const char* state : right) std::printf("by value:     the batch is %s\n", state);
}
// [/kept]

int main() {
  take_small_ones();
  keep_a_reference();
}
