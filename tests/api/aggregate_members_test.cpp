// Each public noun that can be made from nothing can be a member of an aggregate, and be left out
// of its initializer. An explicit default constructor would forbid that. g++ 12 overlooks it in a
// member, clang does not.
#include <weft/http.hpp>
#include <weft/weft.hpp>

#include <gtest/gtest.h>

#include <type_traits>

namespace weft::test::aggregate_members_test {
namespace {

template <class T>
void take(const T&);

/// Each is made from `{}`. g++ 12 refuses an explicit constructor in an argument.
template <class... T>
concept MadeFromBraces = (requires { take<T>({}); } && ...);

// What waits and what is waited for.
static_assert(MadeFromBraces<ManualResetEvent, Mutex, MutexGuard, Notify, OnceCell<int>, Permit>);
static_assert(MadeFromBraces<RwLock, ReadGuard, WriteGuard, TaskLocal<int>, Waker>);
static_assert(MadeFromBraces<Task<int>, AsyncGenerator<int>, SharedResult<int>, Outcome<int>>);
// What runs it.
static_assert(MadeFromBraces<Runtime, BlockingThreads, http::Client>);
// Options and values.
static_assert(MadeFromBraces<BlockingOptions, ConnectOptions, FiberOptions, ListenOptions>);
static_assert(MadeFromBraces<RuntimeOptions, SpawnOptions, RuntimeMetrics, AsyncBacktrace>);
static_assert(MadeFromBraces<Endpoint, Event, HostPort, Unit, http::ClientOptions, http::Headers>);
static_assert(MadeFromBraces<http::Limits, http::Request, http::Response, http::ServerOptions>);
static_assert(MadeFromBraces<http::Status, http::Url>);

// Of the others, those that can be made from nothing at all.
template <class... T>
concept MadeFromBracesIfFromNothing =
    ((!std::is_default_constructible_v<T> || MadeFromBraces<T>) && ...);

static_assert(MadeFromBracesIfFromNothing<CancelHandle, CancellationSource, CancellationToken>);
static_assert(MadeFromBracesIfFromNothing<ConditionVariable, ConcurrencyLimit, RateLimiter>);
static_assert(MadeFromBracesIfFromNothing<JoinSet<int>, Interval, Sender<int>, Receiver<int>>);
static_assert(MadeFromBracesIfFromNothing<WeakSender<int>, Semaphore, Timer, Barrier, Latch>);
static_assert(MadeFromBracesIfFromNothing<AcceptBackoff, Backoff, RetryPolicy, LogRecord>);
static_assert(MadeFromBracesIfFromNothing<File, OpenOptions, WriteOptions, DirectoryEntry>);
static_assert(MadeFromBracesIfFromNothing<FileWatch, FileWatchOptions, FileEvent, WalkOptions>);
static_assert(MadeFromBracesIfFromNothing<TemporaryDirectory, FileMetadata, LineOptions>);
static_assert(MadeFromBracesIfFromNothing<Command, ChildProcess, ExitStatus, Stdio>);
static_assert(MadeFromBracesIfFromNothing<SignalListener, ServeContext, ServeOptions>);
static_assert(MadeFromBracesIfFromNothing<PipeReader, PipeWriter, DuplexEnd, OwnedHandle>);
static_assert(MadeFromBracesIfFromNothing<ReceiveBatch, SendBatch, ReceivedDatagram>);
static_assert(MadeFromBracesIfFromNothing<SendDetails, UdpOptions, UdpSocket, UnixStream>);
static_assert(MadeFromBracesIfFromNothing<UnixListener, UnixDatagram, UnixSeqpacket>);

struct Service {
  int number = 0;
  ManualResetEvent ending;
  Mutex mutex;
  OnceCell<int> cell;
  BlockingThreads threads;
  http::Client client;
  Runtime runtime;
};

TEST(AggregateMembers, AreLeftOut) {
  Service service{};
  service.number = 1;
  EXPECT_FALSE(service.ending.is_set());
  service.ending.set();
  auto body = [&]() -> Task<int> {
    co_await service.ending.wait();
    co_return service.number;
  };
  EXPECT_EQ(service.runtime.block_on(body()), 1);
}

TEST(AggregateMembers, AnEventMayBeginSet) { EXPECT_TRUE(ManualResetEvent(true).is_set()); }

}  // namespace
}  // namespace weft::test::aggregate_members_test
