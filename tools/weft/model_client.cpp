// One model at work: opens connections to the server, does the work, prints its usage.
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>

#include "commands.hpp"
#include "fd_limit.hpp"
#include "model_work.hpp"
#include "standard_streams.hpp"

namespace weft::tool {

namespace {

struct Model {
  const char* name;
  void (*run)(const ModelWork&, ModelTally&);
};

constexpr std::array models{
    Model{"threads", run_with_threads}, Model{"callbacks", run_with_callbacks},
    Model{"futures", run_with_futures}, Model{"coroutines", run_with_coroutines},
    Model{"fibers", run_with_fibers},
};

}  // namespace

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const Model& model : models) names.emplace_back(model.name);
  return names;
}

int run_model_client(const ModelClientOptions& options) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  // Before the model allocates anything.
  if (options.count_allocations) ::setenv("WEFT_FRAME_POOL", "malloc", 1);
  ModelWork work;
  work.server = options.server;
  work.count = options.count;
  work.delay = options.delay;
  work.connections = std::min<std::size_t>(options.count, sockets_within(raise_fd_limit()));
  ModelTally tally;
  const auto named = [&](const Model& model) { return model.name == options.model; };
  std::find_if(models.begin(), models.end(), named)->run(work, tally);
  print(tally.to_json(work) + "\n");
  return 0;
}

}  // namespace weft::tool
