// The options of `weft fetch`, and what does not go together.
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <weft/http/url.hpp>

#include "fetch_transfer.hpp"
#include "options.hpp"

namespace weft::tool {

namespace {

constexpr unsigned most_redirects = 1000;
constexpr const char* of_one = "One transfer";

constexpr const char* exit_codes =
    "With one URL and --output FILE, --output - or an option of the last group, the body is\n"
    "passed on as it comes; otherwise the command reports on each request.\n"
    "\n"
    "Exit codes:\n"
    "    0  success; of a report, each status was 2xx\n"
    "    1  anything else failed: of a report, a request; a file could not be opened\n"
    "    2  bad arguments\n"
    "    3  the host has no address, or there is no connection to it or to the proxy\n"
    "    4  timed out\n"
    "    5  a status of 400 or above, with --fail or --continue\n"
    "    6  the response is malformed or was cut off, or there were too many redirects\n"
    "    7  the body could not be written: the disk is full, nothing reads the pipe\n"
    "    8  --continue: FILE is no part of what the server has\n"
    "    9  TLS: the server's certificate was refused, or the handshake failed\n"
    "  130  ended by a signal\n"
    "\n"
    "An interrupted transfer keeps its part in FILE, if there was no FILE before or --continue is\n"
    "given, and FILE.weft-part beside it has what tells one version from another.";

// Refuses URLs that the client could not even begin to fetch.
std::string check_url(const std::string& text) {
  const auto url = http::Url::parse(text);
  if (!url) return "'" + text + "': " + url.error().message();
#ifndef WEFT_WITH_TLS
  if (url->scheme != "http") return "'" + text + "': this program is built without TLS";
#endif
  return {};
}

Parsed<std::pair<std::string, std::string>> parse_field(const std::string& text) {
  const auto colon = text.find(':');
  if (colon == text.npos) return std::unexpected("must be 'NAME: VALUE', not '" + text + "'");
  std::string_view value = std::string_view(text).substr(colon + 1);
  while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
  std::pair<std::string, std::string> field(text.substr(0, colon), value);
  try {
    http::Headers().add(field.first, field.second);
  } catch (const std::invalid_argument&) {
    return std::unexpected("not a field of a request: '" + text + "'");
  }
  return field;
}

Parsed<http::Method> parse_method(const std::string& text) {
  const auto method = http::method_from(text);
  if (method && *method != http::Method::connect) return *method;
  return std::unexpected("must be GET, HEAD, POST, PUT, DELETE, OPTIONS, TRACE or PATCH, not '" +
                         text + "'");
}

// The text may hold a password: the error does not repeat it.
Parsed<http::Proxy> parse_proxy(const std::string& text) {
  auto proxy = http::Proxy::parse(text);
  if (!proxy) return std::unexpected(proxy.error().message());
  return *std::move(proxy);
}

void add_times(CLI::App& command, FetchOptions& options) {
  const auto parse = [](const std::string& text) { return parse_duration(text); };
  add_parsed(
      command, "--timeout,--max-time", parse,
      [&options](std::chrono::nanoseconds value) { options.timeout = value; },
      "Time for one request in all, such as 500ms, 2s, 1m (30s; of a transfer, none)")
      ->type_name("T");
  add_parsed(
      command, "--connect-timeout", parse,
      [&options](std::chrono::nanoseconds value) { options.connect_timeout = value; },
      "Of that, time for making a connection (the same; of a transfer, 10s)")
      ->type_name("T");
  add_number(command, "--retry", options.retries, 0, most_requests,
             "Tries more after failures that may pass, each after a longer pause; with --continue "
             "also after a part (0)");
}

void add_way(CLI::App& command, FetchOptions& options) {
  command
      .add_option_function<std::vector<std::string>>(
          "--header",
          [&options](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) {
              const auto field = parse_field(text);
              if (!field) throw CLI::ValidationError("--header", field.error());
              options.headers.add(field->first, field->second);
            }
          },
          "A field of each request, 'NAME: VALUE'; may be given several times")
      ->allow_extra_args(false)
      ->type_name("FIELD");
  // Options exclude each other by pointer: CLI11's look-up by name is noexcept and allocates.
  CLI::Option* const proxy = add_parsed(
      command, "--proxy", parse_proxy,
      [&options](http::Proxy value) { options.proxy = std::move(value); },
      "The proxy, http://[USER:PASSWORD@]HOST[:PORT] (as http_proxy, all_proxy and no_proxy say)");
  proxy->type_name("URL");
  command.add_flag("--no-proxy", options.no_proxy, "No proxy, whatever the environment says")
      ->excludes(proxy);
  command
      .add_option("--unix-socket", options.unix_socket,
                  "Connect to this Unix socket, whatever the host: PATH, or @NAME")
      ->type_name("PATH");
  CLI::Option* location = command.add_flag("--location", options.location, "Follow redirects");
  add_number(command, "--max-redirects", options.max_redirects, 0, most_redirects,
             "Redirects that --location follows (10)")
      ->needs(location);
}

void add_tls(CLI::App& command, FetchOptions& options) {
  command
      .add_option("--cacert", options.tls_authorities,
                  "Trust the authorities in this PEM file, too, besides those of the system")
      ->type_name("FILE")
      ->group("TLS");
  command
      .add_flag("--insecure", options.insecure,
                "Do not check servers' certificates: others may read and change all")
      ->group("TLS");
  CLI::Option* const certificate =
      command
          .add_option("--cert", options.tls_certificate,
                      "Show this certificate, with its chain, to servers that ask: a PEM file")
          ->type_name("FILE")
          ->group("TLS");
  command
      .add_option("--key", options.tls_key,
                  "Its key, a PEM file (default: the key is in that of --cert)")
      ->needs(certificate)
      ->type_name("FILE")
      ->group("TLS");
}

void add_transfer(CLI::App& command, FetchOptions& options) {
  CLI::Option* const method = add_parsed(
      command, "--method", parse_method, [&options](http::Method value) { options.method = value; },
      "The request's method (GET; POST with --data, PUT with --upload)");
  method->type_name("METHOD:{GET,HEAD,POST,PUT,DELETE,OPTIONS,TRACE,PATCH}")->group(of_one);
  CLI::Option* const data =
      command.add_option("--data", options.data,
                         "Send a text; with @FILE the contents of a file, with @- standard input");
  data->type_name("TEXT")->group(of_one);
  CLI::Option* const upload = command.add_option(
      "--upload", options.upload,
      "Send a file; - is standard input. Its name is added to a URL that ends with /");
  upload->type_name("FILE")->excludes(data)->group(of_one);
  CLI::Option* continues =
      command.add_flag("--continue", options.continues,
                       "Go on behind the part that FILE has, unless the server has another "
                       "version by now; then start again");
  continues->group(of_one)->excludes(method)->excludes(data)->excludes(upload);
  command.add_flag("--include", options.include, "Print the response's head on standard output")
      ->group(of_one);
  command
      .add_flag("--fail", options.fail, "Drop the body of a status of 400 or above; exit code 5")
      ->group(of_one);
#ifdef WEFT_WITH_COMPRESSION
  command.add_flag("--compressed", options.compressed, "Ask for a compressed body, and undo that")
      ->excludes(continues)
      ->group(of_one);
#endif
  command
      .add_flag("--progress", options.progress,
                "Show how far the transfer is on standard error, if that is a terminal")
      ->group(of_one);
}

// What single options do not tell.
void check(const FetchOptions& options) {
  if (!is_transfer(options)) return;
  const auto refuse = [](const char* option, const std::string& why) {
    throw CLI::ValidationError(option, why);
  };
  if (options.urls.size() > 1) refuse("URL", "one transfer has one URL");
  if (options.repeat > 1) refuse("--repeat", "not with one transfer");
  if (options.json) refuse("--json", "not with one transfer");
  if (options.continues && (options.output.empty() || options.output == "-")) {
    refuse("--continue", "needs --output FILE");
  }
  if (options.method == http::Method::head && (options.data || !options.upload.empty())) {
    refuse("--method", "HEAD sends no body");
  }
}

}  // namespace

CLI::App* add_fetch(CLI::App& app, FetchOptions& options) {
  CLI::App* command = app.add_subcommand(
      "fetch", "Fetch URLs concurrently and report on each, or transfer one body");
  command->add_option("URL", options.urls, "What to fetch: http[s]://host[:port]/path")
      ->required()
      ->check(check_url);
  add_number(*command, "--concurrency", options.concurrency, 1, most_requests,
             "Requests at once (64)");
  add_number(*command, "--repeat", options.repeat, 1, most_requests,
             "Times each URL is fetched (1)");
  command->add_flag("--json", options.json, "Print the report as JSON");
  command
      ->add_option("--output", options.output,
                   "Write the bodies into this directory, or the one body to this file; - is "
                   "standard output")
      ->type_name("PATH");
  add_times(*command, options);
  add_way(*command, options);
#ifdef WEFT_WITH_TLS
  add_tls(*command, options);
#endif
  add_transfer(*command, options);
  command->footer(exit_codes);
  command->callback([&options] { check(options); });
  return command;
}

}  // namespace weft::tool
