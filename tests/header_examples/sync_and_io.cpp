// Contexts of the examples in comments of headers: synchronization, channels, sockets, HTTP. A line
// `// example: HEADER` stands for the example; extract.py puts it there.
#include "given.hpp"

#include <weft/model/data.hpp>

namespace given {
using namespace std::chrono_literals;
}  // namespace given

namespace given::of_atomic {
void run() {
  // example: weft/atomic.hpp
}
}  // namespace given::of_atomic

namespace given::of_barrier {
void print_the_round();
weft::Task<void> run() {
  // example: weft/barrier.hpp
}
}  // namespace given::of_barrier

namespace given::of_broadcast {
struct Event {};
extern Event event;
void handle(const Event& event);
void note_missed(std::uint64_t count);
weft::Task<void> run() {
  // example: weft/broadcast.hpp
}
}  // namespace given::of_broadcast

namespace given::of_buffered {
weft::Task<void> answer(const std::string& line);
weft::Task<void> run() {
  // example: weft/buffered.hpp
}
weft::Task<void> run_options() {
  weft::BufferedReader reader(stream);
  // example: weft/buffered.hpp, number 2
}
extern std::vector<std::string> words;
weft::Task<void> write() {
  // example: weft/buffered_writer.hpp
}
}  // namespace given::of_buffered

namespace given::of_channel {
weft::Task<void> produce(weft::Sender<Job> jobs);
void work(const Job& job);
weft::Task<void> run() {
  // example: weft/channel.hpp
}
}  // namespace given::of_channel

namespace given::of_channel_reserve {
int make_job();
weft::Task<void> run(weft::Sender<int> sender) {
  // example: weft/channel.hpp, number 2
}
}  // namespace given::of_channel_reserve

namespace given::of_condition_variable {
void take(const Job& job);
weft::Task<void> run(Job job) {
  // example: weft/condition_variable.hpp
}
}  // namespace given::of_condition_variable

namespace given::of_datagram {
void handle(std::span<const std::byte> data, const weft::Endpoint& sender);
weft::Task<void> run(weft::UdpSocket socket) {
  // example: weft/datagram.hpp
}
weft::Task<void> answer_from(weft::UdpSocket socket, std::string answer) {
  const weft::ReceivedDatagram got = co_await socket.receive(buffer);
  // example: weft/datagram.hpp, number 2
}
}  // namespace given::of_datagram

namespace given::of_directory {
void report(const std::filesystem::path& path, std::error_code error);
weft::Task<void> run() {
  // example: weft/directory.hpp
}
}  // namespace given::of_directory

namespace given::of_duplex {
weft::Task<void> serve(weft::DuplexEnd server);
weft::Task<void> run() {
  // example: weft/duplex.hpp
}
}  // namespace given::of_duplex

namespace given::of_endpoint {
void run() {
  // example: weft/endpoint.hpp
}
}  // namespace given::of_endpoint

namespace given::of_event_queue {
void handle(std::uint64_t token);
void run(weft::NativeHandle socket) {
  // example: weft/event_queue.hpp
}
}  // namespace given::of_event_queue

namespace given::of_file {
extern std::vector<std::byte> bytes;
weft::Task<void> run(weft::File data) {
  // example: weft/file.hpp
}
}  // namespace given::of_file

namespace given::of_file_watch {
void reread_everything();
weft::Task<void> run() {
  // example: weft/file_watch.hpp
}
}  // namespace given::of_file_watch

namespace given::of_http_bodies {
weft::Task<weft::StreamSocket> connect_to_store();
void read() {
  // example: weft/http/body_reader.hpp
}
weft::http::Response write() {
  // example: weft/http/body_writer.hpp
}
}  // namespace given::of_http_bodies

namespace given::of_http_client {
weft::Task<void> run() {
  // example: weft/http/client.hpp
}
extern std::string url;
extern weft::http::Client client;
weft::Task<void> send() {
  // example: weft/http/client_request.hpp
}
weft::Task<void> receive(weft::http::ClientRequest request, weft::File& file) {
  // example: weft/http/incoming_response.hpp
}
void through_proxies() {
  // example: weft/http/proxy.hpp
}
}  // namespace given::of_http_client

namespace given::of_http_headers {
void run() {
  // example: weft/http/headers.hpp
}
}  // namespace given::of_http_headers

namespace given::of_http_message {
void run() {
  // example: weft/http/message.hpp
}
weft::Task<void> inform(weft::http::Request& request) {
  // example: weft/http/message.hpp, number 2
}
weft::http::Response stream() {
  // example: weft/http/message.hpp, number 3
}
weft::http::Response upgrade(weft::http::Request& request) {
  // example: weft/http/message.hpp, number 4
  return weft::http::Response::of(400);
}
void connect() {
  // example: weft/http/upgraded_stream.hpp
}
}  // namespace given::of_http_message

namespace given::of_http_server {
weft::Task<void> run(weft::SocketListener listener) {
  // example: weft/http/server.hpp
}
}  // namespace given::of_http_server

namespace given::of_http_serve {
void look_at(const std::array<std::byte, 4096>& buffer, std::size_t size);
void read_as_it_comes() {
  // example: weft/http/server.hpp, number 2
}
weft::Task<void> over_a_unix_socket(weft::http::Server& server) {
  // example: weft/http/server.hpp, number 3
}
void in_memory(weft::http::Server& server, weft::Scope& scope) {
  // example: weft/http/server.hpp, number 4
}
weft::Task<void> until_a_stop(weft::http::Server& server, weft::SocketListener& listener) {
  // example: weft/http/server.hpp, number 5
}
}  // namespace given::of_http_serve

namespace given::of_http_client_connection {
weft::Task<void> run(weft::DuplexEnd stream) {
  // example: weft/http/client_connection.hpp
}
}  // namespace given::of_http_client_connection

namespace given::of_http_connector {
void run() {
  // example: weft/http/connector.hpp
}
}  // namespace given::of_http_connector

namespace given::of_http_url {
void run() {
  // example: weft/http/url.hpp
}
}  // namespace given::of_http_url

namespace given::of_latch {
weft::Task<void> run() {
  // example: weft/latch.hpp
}
}  // namespace given::of_latch

namespace given::of_io {
void log(std::uint64_t there, std::uint64_t back);
// example: weft/io.hpp
// example: weft/io.hpp, number 2
extern std::uint64_t content_length;
weft::Task<void> run(weft::StreamSocket& client, weft::PipeWriter& file) {
  // example: weft/io.hpp, number 3
}
weft::Task<void> run_join(weft::StreamSocket& socket) {
  // example: weft/io.hpp, number 4
}
weft::Task<void> run_send_file(weft::StreamSocket& stream, weft::File& file, std::uint64_t size) {
  // example: weft/io.hpp, number 5
}
weft::Task<void> run_terminal() {
  // example: weft/terminal.hpp
}
weft::Task<void> run_socket() {
  // example: weft/socket.hpp, number 2
}
weft::Task<void> run_pipe() {
  // example: weft/pipe.hpp
}
}  // namespace given::of_io

namespace given::of_manual_reset_event {
weft::Task<void> run() {
  // example: weft/manual_reset_event.hpp
}
}  // namespace given::of_manual_reset_event

namespace given::of_metrics {
void log(const char* name, std::uint64_t count);
void run() {
  // example: weft/metrics.hpp
}
}  // namespace given::of_metrics

namespace given::of_model_data {
void run(weft::Atomic<bool>& ready) {
  // example: weft/model/data.hpp
}
}  // namespace given::of_model_data

namespace given::of_mutex {
extern int what_it_protects;
weft::Task<void> use(int& what);
weft::Task<void> run() {
  // example: weft/mutex.hpp
}
}  // namespace given::of_mutex

namespace given::of_net {
weft::Task<void> run() {
  // example: weft/net.hpp
}
extern weft::NativeHandle signal_fd;
weft::Task<void> wait() {
  // example: weft/pollable.hpp
}
}  // namespace given::of_net

namespace given::of_notify {
weft::Task<void> run() {
  // example: weft/notify.hpp
}
struct State {};
bool good(const State& state);
weft::Task<void> run_all(weft::Notify& state_changed, const State& state) {
  // example: weft/notify.hpp, number 2
}
}  // namespace given::of_notify

namespace given::of_once_cell {
weft::Task<Config> read_config();
weft::Task<void> run() {
  // example: weft/once_cell.hpp
}
}  // namespace given::of_once_cell

namespace given::of_oneshot {
extern int question;
void ask(int question, weft::OneshotSender<Answer> sender);
weft::Task<void> run() {
  // example: weft/oneshot.hpp
}
}  // namespace given::of_oneshot

namespace given::of_owned_guard {
weft::Task<void> talk(weft::OwnedPermit permit);
weft::Task<void> run() {
  // example: weft/owned_guard.hpp
}
}  // namespace given::of_owned_guard

namespace given::of_owned_handle {
void run(weft::UnixMessage message) {
  // example: weft/owned_handle.hpp
}
}  // namespace given::of_owned_handle

namespace given::of_rate_limit {
weft::Task<void> send(Request& request);
weft::Task<void> run(Request request) {
  // example: weft/rate_limit.hpp
}
}  // namespace given::of_rate_limit

namespace given::of_resolve {
weft::Task<void> run() {
  // example: weft/resolve.hpp
}
}  // namespace given::of_resolve

namespace given::of_rwlock {
weft::Task<void> run() {
  // example: weft/rwlock.hpp
}
}  // namespace given::of_rwlock

namespace given::of_semaphore {
weft::Task<void> talk();
weft::Task<void> run() {
  // example: weft/semaphore.hpp
}
}  // namespace given::of_semaphore

namespace given::of_socket {
void run() {
  // example: weft/socket.hpp
}
}  // namespace given::of_socket

namespace given::of_udp {
weft::Task<void> run() {
  // example: weft/udp.hpp
}
}  // namespace given::of_udp

namespace given::of_unix {
weft::Task<void> run() {
  // example: weft/unix.hpp
}
}  // namespace given::of_unix

namespace given::of_watch {
Config load();
void apply(const Config& config);
weft::Task<void> run() {
  // example: weft/watch.hpp
}
enum class State { down, up };
weft::Task<void> wait(weft::WatchReceiver<State> receiver) {
  // example: weft/watch.hpp, number 2
}
}  // namespace given::of_watch

namespace given::of_pipe {
weft::Task<void> run() {
  // example: weft/pipe.hpp
}
}  // namespace given::of_pipe

namespace given::of_process {
weft::Task<void> run() {
  // example: weft/process.hpp
}
}  // namespace given::of_process

namespace given::of_serve {
weft::Task<void> run() {
  // example: weft/serve.hpp
}
weft::Task<void> handle(weft::StreamSocket stream, weft::ServeContext& context) {
  std::array<std::byte, 1> request;
  // example: weft/serve.hpp, number 2
}
weft::Task<void> accept_all(weft::SocketListener& listener) {
  // example: weft/serve.hpp, number 3
}
}  // namespace given::of_serve

namespace given::of_signal {
void reload();
weft::Task<void> run() {
  // example: weft/signal.hpp
}
}  // namespace given::of_signal
