// The commands of the program and their options. command_line.cpp fills the options in; main.cpp
// runs one. Every run_ function blocks until its command is over and returns the exit code of the
// process: 0 success, 1 something failed, 2 bad arguments, 130 ended by SIGINT after draining. A
// transfer of `weft fetch` has more of them, which its help lists.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>
#include <weft/endpoint.hpp>
#include <weft/http/headers.hpp>
#include <weft/http/message.hpp>
#include <weft/http/proxy.hpp>

namespace weft::tool {

inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_unreachable = 3;  ///< no address, or no connection
inline constexpr int exit_timed_out = 4;
inline constexpr int exit_bad_status = 5;    ///< 400 or above, with --fail or --continue
inline constexpr int exit_bad_response = 6;  ///< malformed, or cut off
inline constexpr int exit_not_written = 7;   ///< the disk is full, or nothing reads the pipe
inline constexpr int exit_no_part = 8;       ///< what is there is no part of what the server has
inline constexpr int exit_tls = 9;  ///< the certificate was refused, or the handshake failed
inline constexpr int exit_interrupted = 130;

struct DelayOptions {
  Endpoint listen;
  unsigned workers = 0;          ///< 0: one a CPU
  bool log = false;              ///< print a line for each request
  bool die_with_parent = false;  ///< drain when the parent process ends
};

struct ServeOptions {
  std::string directory;
  Endpoint listen;
  unsigned workers = 0;          ///< 0: one a CPU
  std::string log = "combined";  ///< common, combined, json or none
  std::string cache_control;     ///< of all responses; empty: none
  bool list = false;             ///< pages for directories without an index
  bool hidden = false;           ///< also names that begin with a dot
  bool compress = true;          ///< where the program is built with weft::compression
  std::string tls_certificate;   ///< a file with it and its chain; empty: without TLS
  std::string tls_key;           ///< its file; empty: the key is in tls_certificate
};

struct FetchOptions {
  std::vector<std::string> urls;

  // Of all requests
  /// Of a whole request; null: 30 s in a report, no limit in a transfer.
  std::optional<std::chrono::nanoseconds> timeout;
  /// Of making a connection; null: `timeout` in a report, 10 s in a transfer.
  std::optional<std::chrono::nanoseconds> connect_timeout;
  http::Headers headers;
  std::optional<http::Proxy> proxy;  ///< null: as the environment says
  bool no_proxy = false;
  std::string unix_socket;  ///< empty: TCP
  bool location = false;    ///< follow redirects
  unsigned max_redirects = 10;
  unsigned retries = 0;
  std::string tls_authorities;  ///< a file; empty: the system's alone
  bool insecure = false;        ///< servers' certificates are not checked
  std::string tls_certificate;  ///< this side's, with its chain: a file; empty: none
  std::string tls_key;          ///< its file; empty: the key is in tls_certificate
  std::string output;  ///< a directory in a report, a file or "-" in a transfer; empty: none

  // Of a report on several requests
  unsigned concurrency = 64;
  unsigned repeat = 1;
  bool json = false;

  // Of one transfer
  std::optional<http::Method> method;  ///< null: GET, or as `data` and `upload` say
  std::optional<std::string> data;     ///< a text, "@FILE" or "@-"
  std::string upload;                  ///< a file or "-"; empty: none
  bool continues = false;              ///< go on behind what `output` has
  bool include = false;                ///< print the head
  bool fail = false;                   ///< a status of 400 or above is an error
  bool compressed = false;             ///< ask for compression, and undo it
  bool progress = false;
};

struct DemoOptions {
  unsigned count = 10'000;
  std::chrono::milliseconds delay{1000};
  bool json = false;
};

struct ModelsOptions {
  unsigned count = 10'000;
  std::chrono::milliseconds delay{1000};
  std::vector<std::string> only;  ///< names of models; empty: all
  bool json = false;
};

/// One model at work, in a process of its own.
struct ModelClientOptions {
  std::string model;
  std::string server;  ///< HOST:PORT, numeric
  unsigned count = 0;
  std::chrono::milliseconds delay{1000};
  bool count_allocations = false;  ///< each on its own: memory pools are off
};

/// The two halves of the demo's comparison: the same work by one OS thread per request.
struct ThreadServeOptions {
  unsigned count = 0;  ///< connections it will have to serve
};
struct ThreadFetchOptions {
  std::string server;  ///< HOST:PORT, numeric
  unsigned count = 0;
  std::chrono::milliseconds delay{1000};
};

using Command = std::variant<DelayOptions, ServeOptions, FetchOptions, DemoOptions, ModelsOptions,
                             ModelClientOptions, ThreadServeOptions, ThreadFetchOptions>;

int run_delay(const DelayOptions& options);
int run_serve(const ServeOptions& options);
int run_fetch(const FetchOptions& options);
int run_demo(const DemoOptions& options);
int run_models(const ModelsOptions& options);
int run_model_client(const ModelClientOptions& options);
int run_thread_serve(const ThreadServeOptions& options);
int run_thread_fetch(const ThreadFetchOptions& options);

}  // namespace weft::tool
