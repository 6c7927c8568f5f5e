// The program `weft`: parses its arguments and runs one command.
#include <array>
#include <exception>
#include <variant>

#include "command_line.hpp"
#include "commands.hpp"
#include "standard_streams.hpp"

namespace weft::tool {
namespace {

struct Run {
  int operator()(const DelayOptions& options) const { return run_delay(options); }
  int operator()(const ServeOptions& options) const { return run_serve(options); }
  int operator()(const FetchOptions& options) const { return run_fetch(options); }
  int operator()(const DemoOptions& options) const { return run_demo(options); }
  int operator()(const ModelsOptions& options) const { return run_models(options); }
  int operator()(const ModelClientOptions& options) const { return run_model_client(options); }
  int operator()(const ThreadServeOptions& options) const { return run_thread_serve(options); }
  int operator()(const ThreadFetchOptions& options) const { return run_thread_fetch(options); }
};

// In the order of the alternatives of Command.
constexpr std::array names{"delay",  "serve",        "fetch",        "demo",
                           "models", "model-client", "thread-serve", "thread-fetch"};
static_assert(names.size() == std::variant_size_v<Command>);

int run(const Command& command) {
  try {
    return std::visit(Run{}, command);
  } catch (const std::exception& error) {
    complain(names[command.index()], error.what());
    return exit_failed;
  }
}

}  // namespace
}  // namespace weft::tool

int main(int argc, char** argv) {
  weft::tool::open_standard_streams();
  try {
    const auto parsed = weft::tool::parse_command_line(argc, argv);
    if (const int* exit_code = std::get_if<int>(&parsed)) return *exit_code;
    return weft::tool::run(std::get<weft::tool::Command>(parsed));
  } catch (const std::exception& error) {  // no memory for the arguments
    std::fprintf(stderr, "weft: %s\n", error.what());
    return weft::tool::exit_failed;
  }
}
