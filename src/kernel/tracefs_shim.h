/* The part of libtracefs this program uses, behind functions that C++ can include: Debian 12's tracefs.h does
 * not compile as C++. tracefs_shim.c is the only file that sees the library.
 *
 * All functions take the tracefs directory and hold no state. Texts returned are allocated with malloc and
 * belong to the caller; a null pointer means failure with errno set, or
 * an empty file with errno 0. */
#ifndef TCPACCEPT_KERNEL_TRACEFS_SHIM_H
#define TCPACCEPT_KERNEL_TRACEFS_SHIM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where tracefs is mounted, or null. Mounts nothing, unlike tracefs_tracing_dir. */
char* tcpaccept_tracefs_find(void);

/* Whole content of a file below `root`, NUL terminated; its length goes to *size. */
char* tcpaccept_tracefs_read(const char* root, const char* file, size_t* size);

/* Whole content of a file of one event: "id", "format". */
char* tcpaccept_tracefs_read_event(const char* root, const char* group, const char* event, const char* file,
                                   size_t* size);

/* Descriptor of a file below `root`, or -1. */
int tcpaccept_tracefs_open(const char* root, const char* file, int flags);

/* Last entry of error_log: the kernel's message, the command, and a caret below the place. Null when empty. */
char* tcpaccept_tracefs_last_error(const char* root);

#ifdef __cplusplus
}
#endif

#endif
