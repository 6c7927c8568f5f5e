// The commands of the program and their options. command_line.cpp fills the options in; main.cpp
// runs one. Every run_ function blocks until its command is over and returns the exit code of the
// process: 0 success, 1 something failed, 2 bad arguments, 130 ended by SIGINT after draining.
#pragma once

#include <chrono>
#include <string>
#include <variant>
#include <vector>
#include <weft/endpoint.hpp>

namespace weft::tool {

inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;
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
  unsigned concurrency = 64;
  unsigned repeat = 1;
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);  ///< of a whole request
  bool json = false;
  std::string output;  ///< the directory for bodies; empty: they are dropped
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
