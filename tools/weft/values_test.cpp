#include "values.hpp"

#include <gtest/gtest.h>

namespace weft::tool::values_test {
namespace {

using namespace std::chrono_literals;

TEST(Printable, HasNoEffectOnATerminal) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""},
      {"a b~", "a b~"},
      {"h\xc3\xb6 \xe2\x82\xac \xf0\x9f\x98\x80", "h\xc3\xb6 \xe2\x82\xac \xf0\x9f\x98\x80"},
      {"\x1b]0;x\x07\r\n\x7f", "\\x1b]0;x\\x07\\x0d\\x0a\\x7f"},
      {std::string_view("\0", 1), "\\x00"},
      {"\xc2\x9b"
       "31m",
       "\\xc2\\x9b31m"},  // a control sequence of the C1 set
      {"\x9b"
       "31m\xff",
       "\\x9b31m\\xff"},                                      // the same byte in another encoding
      {"\xc0\x9b\xe0\x80\x9b", "\\xc0\\x9b\\xe0\\x80\\x9b"},  // overlong
      {"\xe2\x82", "\\xe2\\x82"},
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(printable(text), expected) << expected;
}

TEST(Values, NumberInRange) {
  EXPECT_EQ(parse_number("1", 1, 8), 1U);
  EXPECT_EQ(parse_number("8", 1, 8), 8U);
}

TEST(Values, OtherNumbersAreRefusedWithTheRangeAndTheText) {
  for (const char* text : {"", "0", "9", "-1", "+1", "1x", " 1", "x", "99999999999"}) {
    const auto parsed = parse_number(text, 1, 8);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error(), "must be 1..8, not '" + std::string(text) + "'");
  }
}

TEST(Values, Durations) {
  EXPECT_EQ(parse_duration("250us"), 250us);
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("2s"), 2s);
  EXPECT_EQ(parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(parse_duration("1m"), 60s);
  EXPECT_EQ(parse_duration("24h"), 24h);
}

TEST(Values, OtherDurationsAreRefused) {
  for (const char* text : {"", "5", "s", "0s", "-1s", "25h", "1 s", "1e3s", "inf", "nan s", "1d"}) {
    EXPECT_FALSE(parse_duration(text).has_value()) << text;
  }
}

TEST(Values, FileNamesAreSafe) {
  EXPECT_EQ(file_name_of("http://h/a/report.pdf"), "report.pdf");
  EXPECT_EQ(file_name_of("http://h/a/b?c=/d#e"), "b");
  EXPECT_EQ(file_name_of("http://h/"), "index");
  EXPECT_EQ(file_name_of("http://h"), "index");
  EXPECT_EQ(file_name_of("http://h/.."), "_.");
  EXPECT_EQ(file_name_of("http://h/.bashrc"), "_bashrc");
  EXPECT_EQ(file_name_of("http://h/a%2f..%00b"), "a_2f.._00b");
  EXPECT_EQ(file_name_of("http://h/" + std::string(500, 'x')).size(), 200U);
}

TEST(Values, NumbersForPeople) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
  EXPECT_EQ(readable_time(850us), "850 us");
  EXPECT_EQ(readable_time(1'230us), "1.23 ms");
  EXPECT_EQ(readable_time(2s), "2.00 s");
  EXPECT_EQ(readable_size(512), "512 B");
  EXPECT_EQ(readable_size(1536), "1.5 KiB");
  EXPECT_EQ(readable_size(20 << 20), "20.0 MiB");
}

}  // namespace
}  // namespace weft::tool::values_test
