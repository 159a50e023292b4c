/** Drivers that the ICD loader passes over without a word. */
#ifndef DG_OPENCL_DRIVERS_H
#define DG_OPENCL_DRIVERS_H

/** Told of each: its .icd file (or library), and what is wrong with it. */
typedef void dg_cl_driver_fault(void *user, const char *name, const char *fault);

/**
 * Looks where the loaders ocl-icd and Khronos look: in the .icd files of $OCL_ICD_VENDORS (a
 * folder, a file or a library), $OPENCL_VENDOR_PATH or /etc/OpenCL/vendors, and in the libraries of
 * $OCL_ICD_FILENAMES.
 */
void dg_cl_driver_faults(dg_cl_driver_fault *call, void *user);

#endif
