# cmake -DOUT=file.c -DHEADER=header.h -DARRAY="type name" -DFILES="a.cl;b.cl" -P embed.cmake
# Writes files as the array that the header declares: of name and text, ended by {0, 0}; a string
# literal a line.
set(text "#include \"${HEADER}\"\n\nconst ${ARRAY}[] = {\n")
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  file(READ ${file} source)
  string(REPLACE "\\" "\\\\" source "${source}")
  string(REPLACE "\"" "\\\"" source "${source}")
  string(REPLACE "?" "\\?" source "${source}") # else two of them begin a trigraph
  string(REPLACE "\n" "\\n\"\n     \"" source "${source}")
  string(APPEND text "    {\"${name}\",\n     \"${source}\"},\n")
endforeach()
string(APPEND text "    {0, 0},\n};\n")
file(WRITE ${OUT} "${text}")
