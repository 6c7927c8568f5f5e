#include "command_line.hpp"

#include <CLI/CLI.hpp>

#include <exception>
#include <filesystem>
#include <functional>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include "delay_path.hpp"
#include "manual_files.hpp"
#include "model_work.hpp"
#include "options.hpp"
#include "standard_streams.hpp"
#include "values.hpp"

namespace weft::tool {

CLI::Option* add_number(CLI::App& command, const std::string& name, unsigned& target,
                        unsigned lowest, unsigned highest, const std::string& help) {
  return add_parsed(
             command, name,
             [lowest, highest](const std::string& text) {
               return parse_number(text, lowest, highest);
             },
             [&target](unsigned value) { target = value; }, help)
      ->type_name("N");
}

Parsed<Endpoint> parse_endpoint(const std::string& text) {
  auto endpoint = Endpoint::parse(text);
  if (!endpoint) return std::unexpected(Endpoint::explain(text, endpoint.error()));
  return *std::move(endpoint);
}

namespace {

CLI::Option* add_delay_ms(CLI::App& command, std::chrono::milliseconds& target) {
  return add_parsed(
             command, "--delay",
             [](const std::string& text) { return parse_number(text, 0, longest_delay_ms); },
             [&target](unsigned value) { target = std::chrono::milliseconds(value); },
             "Milliseconds that every request waits at the server (1000)")
      ->type_name("MS");
}

CLI::App* add_delay(CLI::App& app, DelayOptions& options) {
  CLI::App* command = app.add_subcommand(
      "delay", "Serve GET /{milliseconds}/{text}: wait, then answer with the text");
  add_parsed(
      *command, "--listen", parse_endpoint,
      [&options](Endpoint value) { options.listen = std::move(value); },
      "Where to listen: 127.0.0.1:8080, [::1]:0, unix:PATH; port 0 is any free one")
      ->required()
      ->type_name("ADDR");
  add_number(*command, "--workers", options.workers, 1, most_workers,
             "Worker threads (default: one a CPU)");
  command->add_flag("--log", options.log,
                    "Print a line for each request: seconds since the start, client, request");
  command->add_flag("--die-with-parent", options.die_with_parent)->group("");
  return command;
}

std::string check_directory(const std::string& text) {
  std::error_code error;
  if (std::filesystem::is_directory(text, error)) return {};
  return "'" + text + "': " + (error ? error.message() : "not a directory");
}
std::string check_field_value(const std::string& text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return "a control character";
  }
  return {};
}

CLI::App* add_serve(CLI::App& app, ServeOptions& options) {
  CLI::App* command = app.add_subcommand(
      "serve", "Serve the files of a directory: ranges, conditions, index.html, compression");
  command->add_option("DIR", options.directory, "The directory; nothing outside it is served")
      ->required()
      ->check(check_directory);
  add_parsed(
      *command, "--listen", parse_endpoint,
      [&options](Endpoint value) { options.listen = std::move(value); },
      "Where to listen: 127.0.0.1:8080, [::1]:0, unix:PATH; port 0 is any free one")
      ->required()
      ->type_name("ADDR");
  add_number(*command, "--workers", options.workers, 1, most_workers,
             "Worker threads (default: one a CPU)");
  command
      ->add_option("--log", options.log,
                   "Form of the access log on standard output: common, combined, json, none "
                   "(combined)")
      ->check(CLI::IsMember({"common", "combined", "json", "none"}))
      ->type_name("FORM");
  command
      ->add_option("--cache-control", options.cache_control,
                   "The field Cache-Control of all files, such as 'max-age=3600'")
      ->check(check_field_value)
      ->type_name("VALUE");
  command->add_flag("--list", options.list, "Answer for a directory without an index.html");
  command->add_flag("--hidden", options.hidden, "Also serve names that begin with a dot");
  command->add_flag("!--no-compress", options.compress,
                    "Do not compress; files NAME.gz, NAME.br and NAME.zst are used all the same");
  CLI::Option* const certificate =
      command
          ->add_option("--tls-cert", options.tls_certificate,
                       "Speak TLS, with the certificate and its chain in this PEM file; both files "
                       "are read again at SIGHUP")
          ->type_name("FILE");
  command
      ->add_option("--tls-key", options.tls_key,
                   "Its key, a PEM file (default: the key is in that of --tls-cert)")
      ->needs(certificate)
      ->type_name("FILE");
  return command;
}

CLI::App* add_demo(CLI::App& app, DemoOptions& options) {
  CLI::App* command = app.add_subcommand(
      "demo",
      "Start the delay server as a second process and fetch many delayed texts from it at once");
  add_number(*command, "--count", options.count, 1, most_requests, "Requests, all at once (10000)");
  add_delay_ms(*command, options.delay);
  command->add_flag("--json", options.json, "Print the report as JSON");
  return command;
}

CLI::App* add_models(CLI::App& app, ModelsOptions& options) {
  CLI::App* command = app.add_subcommand(
      "models",
      "Do one work in five ways of writing it: threads, callbacks, futures, coroutines, "
      "fibers");
  add_number(*command, "--count", options.count, 1, most_requests, "Waiters, all at once (10000)");
  add_delay_ms(*command, options.delay);
  command->add_option("--only", options.only, "Only these of the five")
      ->check(CLI::IsMember(model_names()))
      ->type_name("MODEL");
  command->add_flag("--json", options.json, "Print the report as JSON");
  return command;
}

// The program starts this command itself, so it is not in the help.
CLI::App* add_model_client(CLI::App& app, ModelClientOptions& options) {
  CLI::App* command = app.add_subcommand("model-client")->group("");
  command->add_option("--model", options.model)->required()->check(CLI::IsMember(model_names()));
  command->add_option("--server", options.server)->required();
  add_number(*command, "--count", options.count, 1, most_requests, "")->required();
  add_delay_ms(*command, options.delay);
  command->add_flag("--count-allocations", options.count_allocations);
  return command;
}

CLI::App* add_thread_serve(CLI::App& app, ThreadServeOptions& options) {
  CLI::App* command = app.add_subcommand("thread-serve")->group("");
  add_number(*command, "--count", options.count, 1, most_requests, "")->required();
  return command;
}

CLI::App* add_thread_fetch(CLI::App& app, ThreadFetchOptions& options) {
  CLI::App* command = app.add_subcommand("thread-fetch")->group("");
  command->add_option("--server", options.server)->required();
  add_number(*command, "--count", options.count, 1, most_requests, "")->required();
  add_delay_ms(*command, options.delay);
  return command;
}

int report_usage_error(const CLI::App& app, const CLI::ParseError& error,
                       const std::string& first_word) {
  std::string name;
  for (const CLI::App* command : app.get_subcommands()) name = command->get_name();
  std::string text = error.what();
  if (app.get_subcommands().empty() && error.get_name() != "ValidationError") {
    text = first_word.empty() ? "a command is required"
                              : "no command or option is named '" + first_word + "'";
    text += ": delay, serve, fetch, demo, models, --help or --version";
  }
  for (char& c : text) c = c == '\n' ? ' ' : c;
  complain(name, text);
  return exit_usage;
}

// --help and --version.
int print_and_exit(const CLI::App& app, const CLI::Success& success) {
  std::ostringstream text;
  const int exit_code = app.exit(success, text, text);
  try {
    print(text.str());
  } catch (const std::exception& error) {
    complain({}, error.what());
    return exit_failed;
  }
  return exit_code;
}

}  // namespace

std::variant<Command, int> parse_command_line(int argc, const char* const* argv) {
  CLI::App app(
      "weft: an asynchronous runtime at work. A delay server, a file server, a concurrent client, "
      "and both at once.",
      "weft");
  app.set_version_flag("--version", "weft " WEFT_VERSION);
  app.require_subcommand(1);
  DelayOptions delay;
  ServeOptions serve;
  FetchOptions fetch;
  DemoOptions demo;
  ModelsOptions models;
  ModelClientOptions model_client;
  ThreadServeOptions thread_serve;
  ThreadFetchOptions thread_fetch;
  const CLI::App* const delay_command = add_delay(app, delay);
  const CLI::App* const files_command = add_serve(app, serve);
  const CLI::App* const fetch_command = add_fetch(app, fetch);
  const CLI::App* const demo_command = add_demo(app, demo);
  const CLI::App* const models_command = add_models(app, models);
  const CLI::App* const model_client_command = add_model_client(app, model_client);
  const CLI::App* const serve_command = add_thread_serve(app, thread_serve);
  add_thread_fetch(app, thread_fetch);
  std::string manual_directory;
  const CLI::App* const manual_command = add_manual(app, manual_directory);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return print_and_exit(app, success);
  } catch (const CLI::ParseError& error) {
    return report_usage_error(app, error, argc > 1 ? argv[1] : "");
  }
  if (manual_command->parsed()) {
    write_manual(app, manual_directory);
    return 0;
  }
  if (delay_command->parsed()) return delay;
  if (files_command->parsed()) return serve;
  if (fetch_command->parsed()) return fetch;
  if (demo_command->parsed()) return demo;
  if (models_command->parsed()) return models;
  if (model_client_command->parsed()) return model_client;
  if (serve_command->parsed()) return thread_serve;
  return thread_fetch;
}

}  // namespace weft::tool
