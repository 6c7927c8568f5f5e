// libcurl on weft, beside a real nginx: WEFT_TEST_URL is its address, WEFT_TEST_FILES its files,
// WEFT_TEST_PID its process. Its /slow/ sends a byte a second.
#include "curl.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "foreign_support.hpp"

namespace foreign_test {
namespace {

using namespace std::chrono_literals;
using foreign::Curl;

std::string url(const std::string& path) { return setting("WEFT_TEST_URL") + path; }
std::string file(const std::string& name) {
  std::ifstream stream(setting("WEFT_TEST_FILES") + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// An easy handle, and the data it has received.
class Easy {
 public:
  explicit Easy(const std::string& from) { set_url(from); }
  Easy(const Easy&) = delete;
  Easy& operator=(const Easy&) = delete;

  void set_url(const std::string& from) {
    text.clear();
    curl_easy_setopt(get(), CURLOPT_URL, from.c_str());
    curl_easy_setopt(get(), CURLOPT_WRITEFUNCTION, &Easy::append);
    curl_easy_setopt(get(), CURLOPT_WRITEDATA, this);
  }
  [[nodiscard]] CURL* get() const { return handle_.get(); }
  [[nodiscard]] long status() const {
    long code = 0;
    curl_easy_getinfo(get(), CURLINFO_RESPONSE_CODE, &code);
    return code;
  }

  std::string text;

 private:
  static std::size_t append(const char* data, std::size_t size, std::size_t count, void* self) {
    static_cast<Easy*>(self)->text.append(data, size * count);
    return size * count;
  }
  std::unique_ptr<CURL, void (*)(CURL*)> handle_{curl_easy_init(), &curl_easy_cleanup};
};

weft::Task<std::string> get(Curl& curl, std::string from) {
  const Easy easy(from);
  co_await curl.perform(easy.get());
  co_return easy.text;
}

weft::Task<void> expect_file(Curl& curl, std::string name) {
  const std::string text = co_await get(curl, url("/" + name));
  const bool equal = text == file(name);
  EXPECT_TRUE(equal) << name << ": " << text.size() << " bytes";
}

class CurlTest : public Foreign {};
FOREIGN_ON_ALL_RUNTIMES(CurlTest);

TEST_P(CurlTest, FilesAreByteEqual) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Curl curl(scope);
    for (const char* name : {"one-kib", "five-mib", "empty"}) co_await expect_file(curl, name);
  });
}

TEST_P(CurlTest, ManyTransfersAtOnceOnOneMultiHandle) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Curl curl(scope);
    co_await weft::scope([&](weft::Scope& transfers) -> weft::Task<void> {
      for (int i = 0; i < 200; ++i) transfers.spawn(expect_file, std::ref(curl), "one-kib");
      for (int i = 0; i < 4; ++i) transfers.spawn(expect_file, std::ref(curl), "five-mib");
      co_return;
    });
  });
}

TEST_P(CurlTest, FromFibers) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Curl curl(scope);
    co_await weft::scope([&](weft::Scope& transfers) -> weft::Task<void> {
      for (int i = 0; i < 20; ++i) {
        transfers.spawn(weft::fiber([&curl] {
          const Easy easy(url("/one-kib"));
          weft::await(curl.perform(easy.get()));
          EXPECT_EQ(easy.text, file("one-kib"));
        }));
      }
      co_return;
    });
  });
}

TEST_P(CurlTest, ANameIsLookedUp) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Curl curl(scope);
    std::string by_name = url("/one-kib");
    by_name.replace(by_name.find("127.0.0.1"), 9, "localhost");
    const std::string text = co_await get(curl, by_name);
    EXPECT_EQ(text, file("one-kib"));
  });
}

TEST_P(CurlTest, AStatusIsNoError) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Curl curl(scope);
    const Easy easy(url("/missing"));
    co_await curl.perform(easy.get());
    EXPECT_EQ(easy.status(), 404);
    curl_easy_setopt(easy.get(), CURLOPT_FAILONERROR, 1L);
    const std::string text = co_await error_text(curl.perform(easy.get()));
    EXPECT_EQ(text, "transfer " + url("/missing") + ": HTTP response code said error");
  });
}

TEST_P(CurlTest, ARefusedConnectionIsNamed) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Curl curl(scope);
    const std::string text = co_await error_text(get(curl, "http://127.0.0.1:1/"));
    EXPECT_EQ(text, "transfer http://127.0.0.1:1/: couldn't connect to server");
    co_await expect_file(curl, "one-kib");
  });
}

TEST_P(CurlTest, LibcurlsOwnTimeLimitsCount) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Curl curl(scope);
    const Easy easy(url("/slow/five-mib"));
    curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, 50L);
    const auto began = std::chrono::steady_clock::now();
    try {
      co_await curl.perform(easy.get());
      ADD_FAILURE() << "no error";
    } catch (const weft::IoError& error) {
      EXPECT_EQ(error.code(), std::errc::timed_out);
      EXPECT_EQ(error.code(), foreign::curl_error(CURLE_OPERATION_TIMEDOUT));
    }
    EXPECT_GE(std::chrono::steady_clock::now() - began, 50ms);
  });
}

TEST_P(CurlTest, ACancelledTransferCallsBackNoMoreAndItsHandleCanBeUsedAgain) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Curl curl(scope);
    Easy easy(url("/slow/five-mib"));
    const std::string text =
        co_await error_text(weft::timeout(curl.perform(easy.get()), std::chrono::milliseconds(30)));
    EXPECT_EQ(text, "timeout: time limit exceeded");
    easy.set_url(url("/one-kib"));
    co_await curl.perform(easy.get());
    EXPECT_EQ(easy.text, file("one-kib"));
  });
}

TEST_P(CurlTest, CancelsAtAnyTimeLeaveTheOthersAlone) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Curl curl(scope);
    co_await weft::scope([&](weft::Scope& transfers) -> weft::Task<void> {
      for (int i = 0; i < 60; ++i) {
        // At once, before the driver has seen it, while it connects, in the middle of the data.
        auto late = [](Curl& on, int after) -> weft::Task<void> {
          const Easy easy(url(after % 2 == 0 ? "/slow/five-mib" : "/five-mib"));
          curl_easy_setopt(easy.get(), CURLOPT_FORBID_REUSE, 1L);
          co_await error_text(
              weft::timeout(on.perform(easy.get()), std::chrono::microseconds(after * 100)));
        };
        transfers.spawn(late, std::ref(curl), i);
        transfers.spawn(expect_file, std::ref(curl), "one-kib");
      }
      co_return;
    });
    co_await expect_file(curl, "five-mib");
  });
}

// libcurl closes each of these sockets, and the next one gets its number.
TEST_P(CurlTest, SocketsComeAndGo) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Curl curl(scope);
    auto one_after_the_other = [](Curl& on) -> weft::Task<void> {
      for (int i = 0; i < 25; ++i) {
        const Easy easy(url("/one-kib"));
        curl_easy_setopt(easy.get(), CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(easy.get(), CURLOPT_FORBID_REUSE, 1L);
        co_await on.perform(easy.get());
        EXPECT_EQ(easy.text.size(), 1024U);
      }
    };
    co_await weft::scope([&](weft::Scope& tasks) -> weft::Task<void> {
      for (int i = 0; i < 20; ++i) tasks.spawn(one_after_the_other, std::ref(curl));
      co_return;
    });
  });
}

TEST_P(CurlTest, AHandleUnderWayIsRefused) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Curl curl(scope);
    const Easy easy(url("/five-mib"));
    auto both = co_await weft::when_all(error_text(curl.perform(easy.get())),
                                        error_text(curl.perform(easy.get())));
    EXPECT_EQ(std::get<0>(both), "no error");
    EXPECT_NE(std::get<1>(both).find("failed initialization"), std::string::npos)
        << std::get<1>(both);
    EXPECT_EQ(easy.text.size(), file("five-mib").size());
  });
}

TEST_P(CurlTest, WhenTheOwnerIsCancelledAllEnds) {
  expect_all_ends_if_cancelled(options(), 20ms, [](weft::Scope& scope) -> weft::Task<void> {
    Curl curl(scope);
    for (int i = 0; i < 20; ++i) scope.spawn(get, std::ref(curl), url("/slow/five-mib"));
    co_await expect_file(curl, "one-kib");
    co_await get(curl, url("/slow/five-mib"));
  });
}

TEST_P(CurlTest, AShutdownOfTheRuntimeEndsTransfers) {
  weft::Runtime runtime(options());
  Curl curl(runtime);
  runtime.block_on(expect_file(curl, "one-kib"));
  runtime.spawn(get, std::ref(curl), url("/slow/five-mib")).detach();
  runtime.block_on(expect_file(curl, "one-kib"));
  runtime.shutdown();
}

TEST_P(CurlTest, ServerKilledMidway) {
  if (setting("WEFT_TEST_KILL").empty()) GTEST_SKIP() << "needs a server of its own";
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Curl curl(scope);
    std::vector<weft::JoinHandle<std::string>> slow;
    for (int i = 0; i < 10; ++i) {
      slow.push_back(weft::spawn(error_text(get(curl, url("/slow/five-mib")))));
    }
    // Later transfers that have ended: the first ones are under way by then.
    for (int i = 0; i < 10; ++i) co_await expect_file(curl, "one-kib");
    kill(static_cast<pid_t>(std::stol(setting("WEFT_TEST_PID"))), SIGKILL);
    for (auto& transfer : slow) {
      const std::string text = co_await std::move(transfer);
      EXPECT_TRUE(text.starts_with("transfer " + url("/slow/five-mib") + ": ")) << text;
    }
    const std::string refused = "transfer " + url("/one-kib") + ": couldn't connect to server";
    std::string text;
    for (int tries = 0; text != refused && tries < 10'000; ++tries) {
      text = co_await error_text(get(curl, url("/one-kib")));  // its listener may be closed last
    }
    EXPECT_EQ(text, refused);
  });
}

}  // namespace
}  // namespace foreign_test
