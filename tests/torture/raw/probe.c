/* SPDX-License-Identifier: Apache-2.0
 *
 * raw_probe <runtime name>
 *
 * Registers at RouDi and unregisters: whether it still does so for anybody. iceoryx waits a minute for a daemon that does not answer.
 */
#include "raw.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  iox_set_loglevel(Iceoryx_LogLevel_Off);
  iox_runtime_init(argv[1]);
  return 0;
}
