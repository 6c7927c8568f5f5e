// Contexts of the examples in comments of headers: tasks, what they await, and what is made of
// them. A line `// example: HEADER` stands for the example; extract.py puts it there.
#include "given.hpp"

namespace given {
using namespace std::chrono_literals;
}  // namespace given

namespace given::of_as_future {
extern weft::http::Client client;
void run(weft::Context& cx, const std::string& url) {
  // example: weft/as_future.hpp
}
}  // namespace given::of_as_future

namespace given::of_async_generator {
bool cut_line(std::string& rest, std::string& line);
// example: weft/async_generator.hpp, up to "auto input"
weft::Task<void> run() {
  // example: weft/async_generator.hpp, from "auto input"
}
}  // namespace given::of_async_generator

namespace given::of_block_in_place {
extern int connection;
Row query(int& connection);
void run() {
  // example: weft/block_in_place.hpp
}
}  // namespace given::of_block_in_place

namespace given::of_blocking {
std::string read_the_old_way();
Row query(std::stop_token stop);
void write_report();
weft::Task<void> run(weft::RuntimeOptions options) {
  // example: weft/blocking.hpp
}
}  // namespace given::of_blocking

namespace given::of_cancellation_token {
weft::Task<void> poll_forever();
void run() {
  // example: weft/cancellation_token.hpp
}
}  // namespace given::of_cancellation_token

namespace given::of_deadline {
extern Request request;
Answer cached();
weft::Task<Answer> handle(Request& request);
weft::Task<Answer> run() {
  // example: weft/deadline.hpp
}
}  // namespace given::of_deadline

namespace given::of_fiber {
int count_lines(weft::StreamSocket& stream);
void session(weft::StreamSocket stream);
void run() {
  // example: weft/fiber.hpp
}
void options() {
  // example: weft/fiber.hpp, number 2
  ;
}
}  // namespace given::of_fiber

namespace given::of_fiber_local {
void run() {
  // example: weft/fiber_local.hpp
}
}  // namespace given::of_fiber_local

namespace given::of_finally {
struct Connection {};
struct Pool {
  weft::Task<Connection> take();
  weft::Task<void> give_back(Connection& connection);
};
extern Pool pool;
weft::Task<void> use(Connection& connection);
weft::Task<void> run() {
  // example: weft/finally.hpp
}
}  // namespace given::of_finally

namespace given::of_first_success {
extern int primary, replica;
weft::Task<Answer> ask(int server);
weft::Task<void> run() {
  // example: weft/first_success.hpp
}
}  // namespace given::of_first_success

namespace given::of_fork_all {
// example: weft/fork_all.hpp
}  // namespace given::of_fork_all

namespace given::of_future {
// example: weft/future.hpp, up to "int answer"
weft::Task<void> run() {
  // example: weft/future.hpp, from "int answer"
}
}  // namespace given::of_future

namespace given::of_future_set {
class Fetch {
 public:
  explicit Fetch(const Url& url);
  weft::Poll<Page> poll(weft::Context& cx);
};
weft::Task<void> run(std::vector<Url> urls) {
  // example: weft/future_set.hpp
}
}  // namespace given::of_future_set

namespace given::of_futures {
weft::AsFuture<weft::Task<std::string>> read_line();
// example: weft/futures.hpp, up to "auto size"
weft::Task<void> run() {
  // example: weft/futures.hpp, from "auto size"
}
}  // namespace given::of_futures

namespace given::of_generator {
// example: weft/generator.hpp, up to "for (int"
void run() {
  // example: weft/generator.hpp, from "for (int"
}
}  // namespace given::of_generator

namespace given::of_interval {
void report();
weft::Task<void> run() {
  // example: weft/interval.hpp
}
}  // namespace given::of_interval

namespace given::of_join {
weft::AsFuture<weft::Task<Page>> fetch(Url url);
weft::AsFuture<weft::Task<std::size_t>> measure(Url url);
weft::Task<void> run(Url url) {
  // example: weft/join.hpp
}
}  // namespace given::of_join

namespace given::of_join_set {
weft::Task<Page> fetch(Url url);
weft::Task<void> run(std::vector<Url> urls) {
  // example: weft/join_set.hpp
}
weft::Task<void> run_bounded(std::vector<Url> urls) {
  // example: weft/join_set.hpp, number 2
}
weft::Task<void> end(weft::JoinSet<Page>& pages) {
  // example: weft/join_set.hpp, number 3
}
}  // namespace given::of_join_set

namespace given::of_log {
void my_logger(std::string_view text);
void run() {
  // example: weft/log.hpp
}
}  // namespace given::of_log

namespace given::of_on_complete {
void on_data(std::size_t size);
void report(std::exception_ptr error);
void run() {
  // example: weft/on_complete.hpp
}
}  // namespace given::of_on_complete

namespace given::of_outcome {
weft::Task<void> run(weft::JoinHandle<int> handle) {
  // example: weft/outcome.hpp
}
}  // namespace given::of_outcome

namespace given::of_parallel {
// example: weft/parallel.hpp, up to "std::uint64_t value"
weft::Task<void> run() {
  // example: weft/parallel.hpp, from "std::uint64_t value"
}
}  // namespace given::of_parallel

namespace given::of_promise {
weft::Task<void> run() {
  // example: weft/promise.hpp
}
}  // namespace given::of_promise

namespace given::of_ready_queue {
using weft::detail::ReadyNode;
using weft::detail::ReadyQueue;
void poll_child_of(ReadyNode& node);
void run(ReadyQueue& queue, weft::Context& cx) {
  // example: weft/detail/ready_queue.hpp
}
}  // namespace given::of_ready_queue

namespace given::of_result {
void log(const std::string& text);
weft::Task<void> run() {
  // example: weft/result.hpp
}
}  // namespace given::of_result

namespace given::of_resume_on {
extern weft::RuntimeOptions options;
extern weft::Runtime front;
Row read_row(int key);
weft::Task<void> run(int key) {
  // example: weft/resume_on.hpp
}
}  // namespace given::of_resume_on

namespace given::of_retry {
struct Client {
  weft::Task<Page> get(Url url);
};
extern Client client;
weft::Task<void> run(Url url) {
  // example: weft/retry.hpp
}
weft::Task<void> run_in_time(Url url, weft::RetryPolicy policy) {
  // example: weft/retry.hpp, number 2
}
}  // namespace given::of_retry

namespace given::of_runtime {
weft::Task<int> program();
// example: weft/runtime.hpp
weft::http::Response handler(const weft::http::Request& request);
void order() {
  // example: weft/runtime.hpp, number 2
}
}  // namespace given::of_runtime

namespace given::of_scope {
weft::Task<void> fetch(int which);
extern int first, second;
weft::Task<void> run() {
  // example: weft/scope.hpp
}
weft::Task<void> rounds(weft::Scope& s) {
  // example: weft/scope.hpp, number 2
}
}  // namespace given::of_scope

namespace given::of_select {
enum class Command { stop };
void obey(std::optional<Command> command);
weft::Task<void> run(weft::Receiver<Command> commands, weft::Interval every) {
  // example: weft/select.hpp
}
void tick();
void run_either(weft::Selection<Command, void> first) {
  // example: weft/select.hpp, number 2
}
}  // namespace given::of_select

namespace given::of_shield {
extern int transaction;
weft::Task<void> commit(int& transaction);
weft::Task<void> run() {
  // example: weft/shield.hpp
}
}  // namespace given::of_shield

namespace given::of_sleep {
weft::Task<void> run() {
  // example: weft/sleep.hpp
}
}  // namespace given::of_sleep

namespace given::of_join_handle {
weft::Task<void> run(weft::JoinHandle<int> handle) {
  // example: weft/spawn.hpp
}
}  // namespace given::of_join_handle

namespace given::of_spawn {
weft::Task<void> session(weft::StreamSocket socket);
weft::Task<void> shard();
weft::Task<void> rebuild_index();
weft::Task<Config> load_config();
void options(weft::StreamSocket socket, weft::Scope& scope) {
  // example: weft/spawn.hpp, number 2
}
}  // namespace given::of_spawn

namespace given::of_spawn_fiber {
weft::Task<int> compute(int number);
void session(weft::StreamSocket socket);
weft::Task<void> run(weft::StreamSocket socket) {
  // example: weft/spawn.hpp, number 3
}
}  // namespace given::of_spawn_fiber

namespace given::of_std_future {
int work();
void run() {
  // example: weft/std_future.hpp
}
}  // namespace given::of_std_future

namespace given::of_stream {
weft::Task<void> run(weft::AsyncGenerator<int> stream) {
  // example: weft/stream.hpp
}
}  // namespace given::of_stream

namespace given::of_streams {
bool is_new(const Url& url);
weft::Task<Page> fetch(Url url);
void print(std::string line);
// example: weft/streams.hpp, up to "auto pages"
weft::Task<void> run(std::vector<Url> urls, weft::AsyncGenerator<std::string> lines) {
  // example: weft/streams.hpp, from "auto pages"
}
}  // namespace given::of_streams

namespace given::of_streams_ahead {
namespace streams = weft::streams;
struct Event {};
Event as_event(weft::TimePoint now);
weft::Task<Page> fetch(Url url);
void merge(weft::AsyncGenerator<Event> commands, std::vector<Url> urls) {
  // example: weft/streams_ahead.hpp
}
extern int client;
weft::Task<Page> get(int& client, Url url);
weft::Task<void> in_a_scope(weft::AsyncGenerator<Url> urls) {
  // example: weft/streams_ahead.hpp, number 2
}
}  // namespace given::of_streams_ahead

namespace given::of_task {
// example: weft/task.hpp
}  // namespace given::of_task

namespace given::of_task_local {
extern Request request;
weft::Task<void> handle(Request& request);
void log(const std::string& text);
// example: weft/task_local.hpp, up to "co_await"
weft::Task<void> run() {
  // example: weft/task_local.hpp, from "co_await"
}
}  // namespace given::of_task_local

namespace given::of_time {
weft::Task<void> run() {
  // example: weft/time.hpp
}
}  // namespace given::of_time

namespace given::of_timeout {
weft::Task<Page> fetch(const std::string& url);
weft::Task<void> run(const std::string& url) {
  // example: weft/timeout.hpp
}
}  // namespace given::of_timeout

namespace given::of_timer {
void run(weft::JoinHandle<void> connection) {
  // example: weft/timer.hpp
}
}  // namespace given::of_timer

namespace given::of_waker {
void poll(weft::Context& cx) {
  // example: weft/waker.hpp
}
}  // namespace given::of_waker

namespace given::of_when_all {
weft::Task<Row> load_user(int id);
weft::Task<Row> load_orders(int id);
weft::Task<void> run(int id) {
  // example: weft/when_all.hpp
}
}  // namespace given::of_when_all

namespace given::of_when_any {
std::vector<weft::Task<Page>> ask_mirrors();
weft::Task<void> run() {
  // example: weft/when_any.hpp
}
}  // namespace given::of_when_any

namespace given::of_leaf {
bool suspend(weft::PromiseBase& innermost) noexcept;
// example: weft/extend/leaf.hpp
}  // namespace given::of_leaf
