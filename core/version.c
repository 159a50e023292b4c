#include "digits/version.h"

#define TEXT(number) #number
#define VERSION_TEXT(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

const char *dg_version(void) {
  return VERSION_TEXT(DG_VERSION_MAJOR, DG_VERSION_MINOR, DG_VERSION_PATCH);
}
