// StaticFiles: what is served, what is not, conditions, ranges, files that change meanwhile.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include "api/http_support.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::testing::http_static_files_test {
namespace {

namespace fs = std::filesystem;
using http::Method;
using http::Request;
using http::Response;
using http::StaticFiles;
using http::StaticFilesOptions;

void put(const fs::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
  // Older than the second in which a tag is weak.
  fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1));
}

std::string large_text() {
  std::string text(300'000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 26);
  return text;
}

/// A directory with files, and a secret beside it.
class HttpStaticFiles : public test::RuntimeTest {
 protected:
  void SetUp() override {
    std::string name = "/tmp/weft-files-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    top_ = name;
    root_ = top_ / "root";
    fs::create_directories(root_ / "dir" / "sub");
    fs::create_directory(root_ / "bare");
    put(top_ / "secret", "secret");
    put(root_ / "a.txt", "0123456789");
    put(root_ / "empty", "");
    put(root_ / "index.html", "<p>index");
    put(root_ / ".hidden", "hidden");
    put(root_ / "dir" / "index.html", "<p>dir");
    put(root_ / "dir" / "b c.json", "{}");
    put(root_ / "bare" / "<x>&.txt", "x");
    put(root_ / "large.bin", large_text());
    fs::create_symlink("a.txt", root_ / "inside");
    fs::create_symlink("../secret", root_ / "outside");
    fs::create_symlink(top_ / "secret", root_ / "absolute");
    fs::create_symlink("..", root_ / "dir" / "up");
    fs::create_symlink("loop", root_ / "loop");
    ::mkfifo((root_ / "fifo").c_str(), 0600);
    test::RuntimeTest::SetUp();
  }
  void TearDown() override {
    test::RuntimeTest::TearDown();
    fs::remove_all(top_);
  }

  fs::path top_;
  fs::path root_;
};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpStaticFiles,
                         ::testing::Values(std::size_t{0}, std::size_t{2}),
                         test::worker_count_name);

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

Request request_for(std::string target, const Fields& fields = {}) {
  Request request;
  request.target = std::move(target);
  for (const auto& [name, value] : fields) request.headers.add(name, value);
  return request;
}
Task<Response> ask(const StaticFiles& files, Request request) {
  Response response = co_await files(request);
  co_return response;
}
Task<Response> ask(const StaticFiles& files, std::string target) {
  return ask(files, request_for(std::move(target)));
}
Task<Response> ask(const StaticFiles& files, std::string target, std::string_view name,
                   std::string_view value) {
  return ask(files, request_for(std::move(target), {{name, value}}));
}

TEST_P(HttpStaticFiles, ServesWhatIsBeneathTheDirectory) {
  struct Row {
    std::string_view target;
    int status;
    std::string_view body;
  };
  const Row rows[] = {{"/a.txt", 200, "0123456789"},
                      {"/a.txt?query", 200, "0123456789"},
                      {"/%61.txt", 200, "0123456789"},
                      {"/empty", 200, ""},
                      {"/", 200, "<p>index"},
                      {"/dir/", 200, "<p>dir"},
                      {"/dir/b%20c.json", 200, "{}"},
                      {"/inside", 200, "0123456789"},
                      {"/dir/up/a.txt", 200, "0123456789"},  // a link within
                      {"/bare/", 404, ""},
                      {"/nothing", 404, ""},
                      {"/a.txt/", 404, ""},
                      {"/a.txt/b", 404, ""},
                      // Outside, or not to be seen.
                      {"/../secret", 404, ""},
                      {"/dir/../a.txt", 404, ""},
                      {"/%2e%2e/secret", 404, ""},
                      {"/..%2fsecret", 404, ""},
                      {"/dir%2findex.html", 404, ""},
                      {"/./a.txt", 404, ""},
                      {"//a.txt", 404, ""},
                      {"/a.txt%00", 404, ""},
                      {"/outside", 404, ""},
                      {"/absolute", 404, ""},
                      {"/dir/up/../secret", 404, ""},
                      {"/loop", 404, ""},
                      {"/fifo", 404, ""},
                      {"/.hidden", 404, ""},
                      {"/%zz", 400, ""}};
  run([this, &rows]() -> Task<void> {
    const StaticFiles files(root_);
    for (const Row& row : rows) {
      const Response response = co_await ask(files, std::string(row.target));
      EXPECT_EQ(response.status.code(), row.status) << row.target;
      if (row.status == 200) {
        EXPECT_EQ(response.body, row.body) << row.target;
      }
    }
    const std::string long_name = "/" + std::string(300, 'x');
    const Response too_long = co_await ask(files, long_name);
    EXPECT_EQ(too_long.status, 404);
    Request post = request_for("/a.txt");
    post.method = Method::post;
    const Response posted = co_await ask(files, post);
    EXPECT_EQ(posted.status, 405);
    EXPECT_EQ(posted.headers.find("Allow"), "GET, HEAD");
    const Response moved = co_await ask(files, "/dir?q=1");
    EXPECT_EQ(moved.status, 301);
    EXPECT_EQ(moved.headers.find("Location"), "/dir/?q=1");
  });
  EXPECT_THROW(StaticFiles(root_ / "nothing"), IoError);
  EXPECT_THROW(StaticFiles(root_ / "a.txt"), IoError);
}

/// From here on openat2(2) fails so on this thread and on those that it starts, as an old kernel or
/// the filter of an old container has it. False: this system has no such filters.
bool refuse_openat2(unsigned error) {
  sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{4, code};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/// Without openat2(2) no link is followed, so that none leads out.
Task<void> expect_no_link_followed(fs::path root) {
  const std::pair<std::string_view, int> rows[] = {{"/a.txt", 200},
                                                   {"/", 200},
                                                   {"/dir/b%20c.json", 200},
                                                   {"/dir/", 200},
                                                   {"/nothing", 404},
                                                   {"/a.txt/b", 404},
                                                   {"/outside", 404},
                                                   {"/absolute", 404},
                                                   {"/inside", 404},
                                                   {"/dir/up/a.txt", 404},
                                                   {"/loop", 404},
                                                   {"/fifo", 404},
                                                   {"/../secret", 404},
                                                   {"/%2e%2e/secret", 404},
                                                   {"/dir/up/../secret", 404},
                                                   {"/.hidden", 404}};
  const StaticFiles files(root);
  for (const auto& [target, status] : rows) {
    const Response response = co_await ask(files, std::string(target));
    EXPECT_EQ(response.status.code(), status) << target;
    EXPECT_EQ(response.body.find("secret"), std::string::npos) << target;
  }
}

TEST_P(HttpStaticFiles, WithoutOpenat2NoLinkIsFollowed) {
  for (const int error : {ENOSYS, EPERM}) {
    bool is_refused = false;
    std::thread other([&] {
      is_refused = refuse_openat2(static_cast<unsigned>(error));
      if (!is_refused) return;
      EXPECT_EQ(::syscall(SYS_openat2, AT_FDCWD, ".", nullptr, std::size_t{0}), -1);
      EXPECT_EQ(errno, error);
      Runtime runtime;  // its threads are started here, and so have the filter
      runtime.block_on(expect_no_link_followed(root_));
    });
    other.join();
    if (!is_refused) GTEST_SKIP() << "this system has no filters of system calls";
  }
}

TEST_P(HttpStaticFiles, TakesThePathThatARouterCaptured) {
  run([this]() -> Task<void> {
    http::Router router;
    router.get("/files/{path...}", StaticFiles(root_));
    for (const auto& [target, status] :
         {std::pair("/files/a.txt", 200), std::pair("/files/", 200), std::pair("/files/dir/", 200),
          std::pair("/files/dir", 301), std::pair("/files/%2e%2e/secret", 404),
          std::pair("/files//a.txt", 404), std::pair("/files/a%00", 404)}) {
      Request request;
      request.target = target;
      const Response response = co_await router(request);
      EXPECT_EQ(response.status.code(), status) << target;
      if (status == 301) {
        EXPECT_EQ(response.headers.find("Location"), "/files/dir/");
      }
    }
  });
}

TEST_P(HttpStaticFiles, AnswersConditionsAndRanges) {
  run([this]() -> Task<void> {
    StaticFilesOptions options;
    options.cache_control = "max-age=60";
    const StaticFiles files(root_, options);
    const Response whole = co_await ask(files, "/a.txt");
    EXPECT_EQ(whole.headers.find("Content-Type"), "text/plain; charset=utf-8");
    EXPECT_EQ(whole.headers.find("Accept-Ranges"), "bytes");
    EXPECT_EQ(whole.headers.find("Cache-Control"), "max-age=60");
    const std::string tag(whole.headers.find("ETag").value_or(""));
    const std::string date(whole.headers.find("Last-Modified").value_or(""));
    EXPECT_TRUE(tag.starts_with('"')) << tag;
    const Response same = co_await ask(files, "/a.txt", "If-None-Match", tag);
    EXPECT_EQ(same.status, 304);
    EXPECT_EQ(same.headers.find("ETag"), tag);
    EXPECT_EQ(same.headers.find("Cache-Control"), "max-age=60");
    const Response since = co_await ask(files, "/a.txt", "If-Modified-Since", date);
    EXPECT_EQ(since.status, 304);
    const Response failed = co_await ask(files, "/a.txt", "If-Match", "\"x\"");
    EXPECT_EQ(failed.status, 412);
    Request resumed = request_for("/a.txt", {{"Range", "bytes=2-4"}, {"If-Range", tag}});
    const Response part = co_await ask(files, resumed);
    EXPECT_EQ(part.status, 206);
    EXPECT_EQ(part.body, "234");
    EXPECT_EQ(part.headers.find("Content-Range"), "bytes 2-4/10");
    resumed.headers.set("If-Range", "\"x\"");
    const Response other = co_await ask(files, resumed);
    EXPECT_EQ(other.status, 200);
    const Response beyond = co_await ask(files, "/a.txt", "Range", "bytes=10-");
    EXPECT_EQ(beyond.status, 416);
    EXPECT_EQ(beyond.headers.find("Content-Range"), "bytes */10");
    put(root_ / "a.txt", "0123456780");
    fs::last_write_time(root_ / "a.txt",
                        fs::file_time_type::clock::now() - std::chrono::minutes(9));
    const Response changed = co_await ask(files, "/a.txt", "If-None-Match", tag);
    EXPECT_EQ(changed.status, 200);
    fs::last_write_time(root_ / "a.txt", fs::file_time_type::clock::now());
    const Response fresh = co_await ask(files, "/a.txt");
    EXPECT_TRUE(fresh.headers.find("ETag")->starts_with("W/"));
  });
}

TEST_P(HttpStaticFiles, ServesCompressedSiblings) {
  put(root_ / "a.txt.gz", "gz");
  put(root_ / "a.txt.br", "br");
  fs::last_write_time(root_ / "a.txt", fs::file_time_type::clock::now() - std::chrono::hours(2));
  put(root_ / "dir" / "b c.json.gz", "old");
  fs::last_write_time(root_ / "dir" / "b c.json.gz",
                      fs::file_time_type::clock::now() - std::chrono::hours(3));
  run([this]() -> Task<void> {
    StaticFilesOptions options;
    options.precompressed = true;
    const StaticFiles files(root_, options);
    const std::pair<std::string_view, std::string_view> rows[] = {{"gzip", "gz"},
                                                                  {"gzip, br", "br"},
                                                                  {"zstd, gzip;q=0.5", "gz"},
                                                                  {"identity", "0123456789"},
                                                                  {"zstd", "0123456789"}};
    for (const auto& [accept, body] : rows) {
      const Response response = co_await ask(files, "/a.txt", "Accept-Encoding", accept);
      EXPECT_EQ(response.body, body) << accept;
      EXPECT_EQ(response.headers.find("Vary"), "Accept-Encoding");
      EXPECT_EQ(response.headers.find("Content-Type"), "text/plain; charset=utf-8");
      EXPECT_EQ(response.headers.contains("Content-Encoding"), body.size() == 2) << accept;
    }
    const Response old = co_await ask(files, "/dir/b%20c.json", "Accept-Encoding", "gzip");
    EXPECT_EQ(old.body, "{}");
  });
}

TEST_P(HttpStaticFiles, ListsDirectoriesIfTold) {
  run([this]() -> Task<void> {
    StaticFilesOptions options;
    options.list_directories = true;
    options.index.clear();
    const StaticFiles files(root_, options);
    const Response page = co_await ask(files, "/bare/");
    EXPECT_EQ(page.status, 200);
    EXPECT_NE(page.body.find("<a href=\"./%3Cx%3E%26.txt\">&lt;x&gt;&amp;.txt</a>"),
              std::string::npos)
        << page.body;
    const Response top = co_await ask(files, "/");
    EXPECT_NE(top.body.find("href=\"./dir/\""), std::string::npos) << top.body;
    EXPECT_EQ(top.body.find("hidden"), std::string::npos);
    EXPECT_EQ(top.body.find("../"), std::string::npos);
  });
}

TEST_P(HttpStaticFiles, SendsLargeFilesWhole) {
  run([this]() -> Task<void> {
    Site site(patient(), StaticFiles(root_));
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string text = large_text();
      http::Client client;
      const Response whole = co_await client.get(s.url("/large.bin"));
      EXPECT_EQ(whole.status, 200);
      EXPECT_TRUE(whole.body == text);
      http::ClientRequest head(Method::head, s.url("/large.bin"));
      const Response sizes = co_await client.request(std::move(head));
      EXPECT_EQ(sizes.headers.find("Content-Length"), "300000");
      http::ClientRequest middle(Method::get, s.url("/large.bin"));
      middle.headers.add("Range", "bytes=100000-");
      const Response part = co_await client.request(std::move(middle));
      EXPECT_EQ(part.status, 206);
      EXPECT_TRUE(part.body == text.substr(100'000));
      http::ClientRequest several(Method::get, s.url("/large.bin"));
      several.headers.add("Range", "bytes=0-9,299990-");
      const Response parts = co_await client.request(std::move(several));
      EXPECT_EQ(parts.status, 206);
      EXPECT_NE(parts.body.find("\r\n\r\nabcdefghij\r\n--"), std::string::npos) << parts.body;
      EXPECT_NE(parts.body.find("bytes 299990-299999/300000\r\n\r\n" + text.substr(299'990)),
                std::string::npos)
          << parts.body;
    });
  });
}

TEST_P(HttpStaticFiles, AFileThatIsCutOrChangedWhileItIsSentEndsTheConnection) {
  struct Row {
    const char* what;
    void (*change)(const fs::path&);
  };
  const Row rows[] = {{"cut", [](const fs::path& path) { fs::resize_file(path, 100'000); }},
                      {"changed", [](const fs::path& path) {
                         std::ofstream(path, std::ios::in | std::ios::out).seekp(299'999) << 'X';
                       }}};
  run([this, &rows]() -> Task<void> {
    for (const Row& row : rows) {
      const fs::path path = root_ / "large.bin";
      put(path, large_text());
      const StaticFiles files(root_);
      const http::Handler handler([&files, &path, &row](Request& request) -> Task<Response> {
        Response response = co_await files(request);
        row.change(path);  // after the size was told, before the body is read
        co_return response;
      });
      Site site(patient(), handler);
      co_await visiting(site, [&row](Site& s) -> Task<void> {
        const std::string answer =
            co_await tell(s.endpoint(), get("/large.bin", "Connection: close\r\n"));
        EXPECT_EQ(status_line(answer), "HTTP/1.1 200 OK") << row.what;
        EXPECT_LT(body_of(answer).size(), 300'000U) << row.what;
      });
    }
  });
}

TEST_P(HttpStaticFiles, AFileThatIsRemovedMeanwhileIsSentAllTheSame) {
  run([this]() -> Task<void> {
    const StaticFiles files(root_);
    const http::Handler handler([&files, this](Request& request) -> Task<Response> {
      Response response = co_await files(request);
      fs::remove(root_ / "large.bin");
      co_return response;
    });
    Site site(patient(), handler);
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string answer =
          co_await tell(s.endpoint(), get("/large.bin", "Connection: close\r\n"));
      EXPECT_TRUE(body_of(answer) == large_text());
    });
  });
}

}  // namespace
}  // namespace weft::testing::http_static_files_test
