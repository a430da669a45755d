# cmake -DREADELF=... -DLIBRARY=... -P needed.cmake: fails where the library needs more at its start than the C library:
# the driver, cuBLASLt and the rest are opened at run time, where they are there.
execute_process(COMMAND ${READELF} -d ${LIBRARY} OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "\\(NEEDED\\)[^\n]*\\[[^]\n]*\\]" needed "${dynamic}")
foreach(entry ${needed})
  string(REGEX REPLACE ".*\\[(.*)\\]" "\\1" name "${entry}")
  if(NOT name MATCHES "^(lib(c|m|dl|rt|pthread)|ld-linux-x86-64)\\.so\\.[0-9]+$")
    file(REMOVE ${LIBRARY})
    message(FATAL_ERROR "${LIBRARY} needs ${name}; expected is nothing but the C library")
  endif()
endforeach()
