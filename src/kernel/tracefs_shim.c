#include "kernel/tracefs_shim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tracefs.h>

/* An instance handle is how the library takes a directory that is not the one it finds itself. */
static struct tracefs_instance* open_root(const char* root) {
  tracefs_set_loglevel(TEP_LOG_NONE); /* it would write its own complaints to stderr */
  return tracefs_instance_alloc(root, NULL);
}

static char* finish(struct tracefs_instance* instance, char* text, int size, size_t* size_out) {
  const int saved = errno;
  tracefs_instance_free(instance);
  *size_out = text != NULL && size > 0 ? (size_t)size : 0;
  errno = saved;
  return text;
}

char* tcpaccept_tracefs_find(void) {
  const char* path = NULL;
  tracefs_set_loglevel(TEP_LOG_NONE);
  if (tracefs_tracing_dir_is_mounted(false, &path) <= 0 || path == NULL) {
    errno = ENOENT;
    return NULL;
  }
  return strdup(path);
}

char* tcpaccept_tracefs_read(const char* root, const char* file, size_t* size) {
  int length = 0;
  *size = 0;
  struct tracefs_instance* instance = open_root(root);
  if (instance == NULL) return NULL;
  errno = 0;
  char* text = tracefs_instance_file_read(instance, file, &length);
  return finish(instance, text, length, size);
}

char* tcpaccept_tracefs_read_event(const char* root, const char* group, const char* event, const char* file,
                                   size_t* size) {
  int length = 0;
  *size = 0;
  struct tracefs_instance* instance = open_root(root);
  if (instance == NULL) return NULL;
  errno = 0;
  char* text = tracefs_event_file_read(instance, group, event, file, &length);
  return finish(instance, text, length, size);
}

int tcpaccept_tracefs_open(const char* root, const char* file, int flags) {
  struct tracefs_instance* instance = open_root(root);
  if (instance == NULL) return -1;
  const int fd = tracefs_instance_file_open(instance, file, flags);
  const int saved = errno;
  tracefs_instance_free(instance);
  errno = saved;
  return fd;
}

char* tcpaccept_tracefs_last_error(const char* root) {
  size_t ignored = 0;
  struct tracefs_instance* instance = open_root(root);
  if (instance == NULL) return NULL;
  errno = 0;
  return finish(instance, tracefs_error_last(instance), 0, &ignored);
}
