// An object that points into itself, before and after it was moved.
#include <array>
#include <cstdio>
#include <functional>
#include <string_view>
#include <utility>

// [line]
/// Text in the object's own room; `end_` points behind the last letter.
class Line {
 public:
  void append(std::string_view text) { end_ = text.copy(end_, text.size()) + end_; }

  /// Whether `end_` points into this object's own room.
  [[nodiscard]] bool sound() const {
    const std::less_equal<const char*> not_after;
    return not_after(room_.data(), end_) && not_after(end_, room_.data() + room_.size());
  }

 private:
  std::array<char, 16> room_{};
  char* end_ = room_.data();
};
// [/line]

int main() {
  // [move]
  Line line;
  line.append("warp");
  std::printf("at home: the pointer points into its own object: %s\n", line.sound() ? "yes" : "no");
  Line moved = std::move(line);  // member by member, as the compiler does it
  std::printf("moved:   the pointer points into its own object: %s\n",
              moved.sound() ? "yes" : "no");
  // [/move]
}
