// CPU exceptions: each ends the guest with a line on the console instead of a silent reset.
#pragma once

void trap_init(void);
