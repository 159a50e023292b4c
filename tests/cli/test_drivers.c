/* Broken OpenCL drivers: each is named with what it says, none hides the others, nor the cpu. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/shell.h"
#include "tests/common/suite.h"

/** The loader reads the .icd files of a folder. */
#define WITH(folder, words) "export OCL_ICD_VENDORS=" folder " DIGITS_TEST_DRIVER='" words "'; "
#define LIST RUN "--list-devices"
#define ANY RUN "--describe cnn"
#define OPENCL RUN "--backend opencl --describe cnn"
#define OF(device) RUN "--backend opencl --device '" device "' --describe cnn"
#define CHOOSE "; choose another with --device; --list-devices shows them\n"
#define ALL "list away no-compiler old big-endian mute context"

/** `fake` has the broken driver; `both` also those of this machine; `none` no driver at all. */
static const char *const making[] = {
    "mkdir fake both none empty lost other binary long",
    "echo '" DIGITS_TEST_FAKE_DRIVER "' > fake/fake.icd; cp fake/fake.icd both",
    "cp /etc/OpenCL/vendors/*.icd both; true",
    "echo > empty/empty.icd; echo libnowhere-at-all.so.1 > lost/lost.icd",
    "echo libm.so.6 > other/other.icd; ln -s /nowhere/at/all.icd binary/link.icd",
    "head -c 5000 /dev/zero | tr '\\0' x > long/long.icd",
};

static const shell_line listed[] = {
    {WITH("fake", "list") LIST, 0,
     "opencl 0: \\x1b[31mplatform list\n    can't be used  listing its devices: "
     "CL_OUT_OF_HOST_MEMORY (-6)\n"},
    {WITH("fake", "list") LIST, 0, "cpu 0: "},
    {WITH("fake", "bare") LIST, 0,
     "opencl 0: \\x1b[31mplatform bare\n    can't be used  it lists no device\n"},
    {WITH("fake", "away") LIST, 0, "opencl 0: fake\\x1b[31m away\n"},
    {WITH("fake", "away") LIST, 0, "  can't be used  its driver says that it is not available"},
    {WITH("fake", "no-compiler") LIST, 0, "  can't be used  its driver has no compiler"},
    {WITH("fake", "old") LIST, 0, "  can't be used  it has OpenCL 1.1 x; OpenCL 1.2 is needed\n"},
    {WITH("fake", "big-endian") LIST, 0, "  can't be used  the bytes of its numbers are in"},
    {WITH("fake", "mute") LIST, 0, "0: device without a name of \\x1b[31mplatform mute\n"},
    {WITH("fake", "mute") LIST, 0,
     "  can't be used  asking whether it is available: CL_INVALID_DEVICE (-33)\n"},
    {WITH("fake", "context away") LIST, 0, "opencl 1: fake\\x1b[31m away\n"},
    {WITH("fake", "away context") LIST, 0, "opencl 1: fake\\x1b[31m away\n"},
    {WITH("fake", ALL) LIST, 0, "opencl 6: "},
    {WITH("fake", "none") LIST, 0,
     "opencl 0: fake/fake.icd\n    can't be used  its driver has no platform: "},
    {WITH("fake", "none") LIST, 0, "CL_PLATFORM_NOT_FOUND_KHR (-1001)\n"},
    {WITH("fake/fake.icd", "none") LIST, 0, "opencl 0: fake/fake.icd\n"},
    {WITH("lost", "") LIST, 0,
     "opencl 0: lost/lost.icd\n    can't be used  its driver can't be loaded: "
     "libnowhere-at-all.so.1: cannot open shared object file"},
    {WITH("'' OPENCL_VENDOR_PATH=lost", "") LIST, 0, "opencl 0: lost/lost.icd\n"},
    {WITH("lost.icd OPENCL_VENDOR_PATH=lost", "") LIST, 0, "opencl 0: lost/lost.icd\n"},
    {WITH("libnowhere-at-all.so.1", "") LIST, 0, "opencl 0: libnowhere-at-all.so.1\n"},
    {WITH("none OCL_ICD_FILENAMES=a.so:b.so", "") LIST, 0, "opencl 1: b.so\n"},
    {WITH("empty", "") LIST, 0, "can't be used  its first line names no driver\n"},
    {WITH("other", "") LIST, 0, "can't be used  its library is no OpenCL driver: libm.so.6\n"},
    {WITH("binary", "") LIST, 0, "can't be used  binary/link.icd: No such file or directory"},
    {WITH("long", "") LIST, 0, "can't be used  long/long.icd: "},
    {WITH("none", "") "! " LIST " | grep opencl", 0, ""},
};

static const shell_line chosen[] = {
    {WITH("fake", ALL) ANY, 0, ", on cpu: "},
    {WITH("lost", "") ANY, 0, ", on cpu: "},
    {WITH("fake", "list") OPENCL, 1,
     "no OpenCL device can be used; \\x1b[31mplatform list: listing its devices: "
     "CL_OUT_OF_HOST_MEMORY (-6); try --backend cpu\n"},
    {WITH("lost", "") OPENCL, 1, "no OpenCL device can be used; lost/lost.icd: its driver can't"},
    {WITH("none", "") OPENCL, 1, "no OpenCL device found; install a driver"},
    {WITH("none", "") OF("0"), 1, "no OpenCL device found; install a driver"},
    {WITH("fake", "context") OPENCL, 1,
     "opening the device fake\\x1b[31m context: CL_DEVICE_NOT_AVAILABLE (-2)"},
    {WITH("fake", "list") OF("platform LIST"), 1,
     " can't be used: listing its devices: CL_OUT_OF_HOST_MEMORY (-6)" CHOOSE},
    {WITH("fake", "away") OF("0"), 1, " another program may hold it" CHOOSE},
    {WITH("fake", "context no-compiler") OF("compiler"), 1,
     "fake\\x1b[31m no-compiler can't be used: its driver has no compiler for kernels "
     "(CL_DEVICE_COMPILER_AVAILABLE)" CHOOSE},
    {WITH("lost", "") OF("lost.icd"), 1, "lost/lost.icd can't be used: its driver can't be loaded"},
    {WITH("fake", "away") RUN "--device away --describe cnn", 2, "no device has \"away\""},
    {WITH("fake", "away") OF("1"), 2, "no device 1; there is 1 (0: fake\\x1b[31m away)"},
};

/** With a driver that works: it comes first, and is taken. */
static const shell_line beside[] = {
    {WITH("both", ALL) ANY, 0, ", on opencl: "},
    {WITH("both", ALL) OPENCL, 0, ", on opencl: "},
    {WITH("both", ALL) LIST, 0, "fake\\x1b[31m big-endian\n"},
    {WITH("both", "list") OF("0"), 0, ", on opencl: "},
    {WITH("both", "context") OF("context"), 1, "CL_DEVICE_NOT_AVAILABLE (-2)"},
};

static void check_all(const shell_line *lines, size_t count) {
  for (size_t i = 0; i < count; i++) {
    shell_check(lines[i].command, lines[i].status, lines[i].says);
    ck_assert_ptr_null(strchr(shell_printed(), '\033'));
  }
}

START_TEST(faults_are_listed) {
  check_all(listed, sizeof listed / sizeof *listed);
}
END_TEST

START_TEST(faulty_devices_are_passed_over) {
  check_all(chosen, sizeof chosen / sizeof *chosen);
}
END_TEST

START_TEST(others_are_not_hidden) {
  if (shell(WITH("both", "") OPENCL) != 0) {
    printf("no driver of this machine: not tested beside a broken one\n");
    return;
  }
  check_all(beside, sizeof beside / sizeof *beside);
}
END_TEST

static void make_folders(void) {
  for (size_t i = 0; i < sizeof making / sizeof *making; i++) shell_check(making[i], 0, "");
}

int main(void) {
  if (!shell_open()) return EXIT_FAILURE;
  TCase *tests = tcase_create("drivers");
  tcase_set_timeout(tests, 0);
  tcase_add_unchecked_fixture(tests, make_folders, NULL);
  tcase_add_test(tests, faults_are_listed);
  tcase_add_test(tests, faulty_devices_are_passed_over);
  tcase_add_test(tests, others_are_not_hidden);
  int status = suite_main("drivers", tests);
  shell_close();
  return status;
}
