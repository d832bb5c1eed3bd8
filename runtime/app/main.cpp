#include "app/cli.h"

int main(int argc, char** argv) {
  const reprise::runtime::Parsed parsed = reprise::runtime::ParseCommandLine(argc, argv);
  return parsed.exit ? *parsed.exit : reprise::runtime::Dispatch(parsed.options);
}
