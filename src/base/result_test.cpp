#include <gtest/gtest.h>

#include <system_error>
#include <weft/result.hpp>

namespace weft::result_test {
namespace {

Result<int> halve(int value) {
  if (value % 2 != 0) return fail(std::errc::invalid_argument);
  return value / 2;
}

TEST(Result, HoldsAValueOrAReason) {
  EXPECT_EQ(halve(4), 2);
  const Result<int> odd = halve(3);
  ASSERT_FALSE(odd.has_value());
  EXPECT_EQ(odd.error(), std::errc::invalid_argument);
}

TEST(Result, OsErrorsCompareWithErrc) {
  EXPECT_EQ(os_error(static_cast<int>(std::errc::connection_reset)), std::errc::connection_reset);
}

TEST(IoError, NamesOperationSubjectAndReasonOnOneLine) {
  const IoError error(std::make_error_code(std::errc::connection_refused), "connect",
                      "127.0.0.1:1");
  EXPECT_STREQ(error.what(), "connect 127.0.0.1:1: connection refused");
  EXPECT_EQ(error.code(), std::errc::connection_refused);
}

TEST(IoError, IsOneLineWhateverItIsGiven) {
  const IoError error(std::make_error_code(std::errc::timed_out), "a\nb",
                      std::string_view("c\r\n\0\x1b[31m\x7f", 10));
  const std::string_view text = error.what();
  EXPECT_TRUE(text.starts_with("a\\x0ab c\\x0d\\x0a\\x00\\x1b[31m\\x7f: ")) << text;
}

TEST(IoError, NeedsNoSubject) {
  const IoError error(std::make_error_code(std::errc::broken_pipe), "write");
  EXPECT_STREQ(error.what(), "write: broken pipe");
}

TEST(IoError, LowersOnlyTheFirstLetter) {
  EXPECT_STREQ(IoError(std::make_error_code(std::errc::io_error), "read", "a.txt").what(),
               "read a.txt: input/output error");
}

}  // namespace
}  // namespace weft::result_test
