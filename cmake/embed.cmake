# cmake -DOUT=x.cpp -DFILES="a b" -DDIRECTORY=d -DFUNCTION=f -P embed.cmake: the files as constants of C++, and
# std::string_view summond::f(std::string_view name), empty for a name that none has.
separate_arguments(FILES)
set(text "#include <string_view>\n\nnamespace summond {\nnamespace {\n")
set(find "")
foreach(file ${FILES})
  string(MAKE_C_IDENTIFIER ${file} name)
  file(READ ${DIRECTORY}/${file} octets HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," octets ${octets})
  string(APPEND text "constexpr char ${name}[] = {${octets}};\n")
  string(APPEND find "    if (name == \"${file}\")\n        return {${name}, sizeof ${name}};\n")
endforeach()
file(WRITE ${OUT} "${text}}  // namespace\n\nstd::string_view ${FUNCTION}(std::string_view name);\n"
  "std::string_view ${FUNCTION}(std::string_view name) {\n${find}    return {};\n}\n\n}  // namespace summond\n")
