# cmake -DOUT=file.c -DFILES="a.cl;b.cl" -P embed.cmake
# Writes the kernels as the array dg_cl_sources (backends/opencl/opencl.h), a string literal a line.
set(text "#include \"backends/opencl/opencl.h\"\n\nconst dg_cl_source dg_cl_sources[] = {\n")
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  file(READ ${file} source)
  string(REPLACE "\\" "\\\\" source "${source}")
  string(REPLACE "\"" "\\\"" source "${source}")
  string(REPLACE "\n" "\\n\"\n     \"" source "${source}")
  string(APPEND text "    {\"${name}\",\n     \"${source}\"},\n")
endforeach()
string(APPEND text "    {0, 0},\n};\n")
file(WRITE ${OUT} "${text}")
