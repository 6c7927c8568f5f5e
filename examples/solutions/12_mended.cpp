// Exercise 12.1: a move constructor that mends the pointer into the object itself, and what it
// cannot mend.
#include <array>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <string_view>
#include <utility>

// [line]
class Line {
 public:
  Line() = default;
  Line(Line&& other) noexcept : room_(other.room_), end_(room_.data() + other.size()) {}
  Line& operator=(Line&&) = delete;

  void append(std::string_view text) { end_ += text.copy(end_, text.size()); }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(end_ - room_.data()); }
  [[nodiscard]] const char* begin() const { return room_.data(); }

  [[nodiscard]] bool contains(const char* place) const {
    const std::less_equal<const char*> not_after;
    return not_after(room_.data(), place) && not_after(place, room_.data() + room_.size());
  }
  [[nodiscard]] bool sound() const { return contains(end_); }

 private:
  std::array<char, 16> room_{};
  char* end_ = room_.data();
};
// [/line]

int main() {
  // [main]
  Line line;
  line.append("warp");
  const char* const cursor = line.begin() + 2;  // elsewhere, another one points into it
  Line moved = std::move(line);
  std::printf("its own pointer: %s\n", moved.sound() ? "sound" : "broken");
  std::printf("the cursor:      %s\n", moved.contains(cursor) ? "sound" : "broken");
  // [/main]
}
