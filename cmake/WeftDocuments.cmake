# Run by the installation: puts into ${output} what is installed beside the library for its readers: the license, the
# documents and the programs that they show. `source` is this repository; `documents` and `headers` are where these will
# be. Links to headers lead to the installed ones; links to what is not installed become plain text.

file(REMOVE_RECURSE ${output})
file(COPY ${source}/LICENSE ${source}/docs ${source}/examples DESTINATION ${output})

file(GLOB top_level RELATIVE ${source} ${source}/*.md)
file(GLOB_RECURSE below RELATIVE ${source} ${source}/docs/*.md)
file(RELATIVE_PATH to_headers ${documents} ${headers})
foreach(document IN LISTS top_level below)
  file(READ ${source}/${document} text)
  string(REGEX REPLACE "\\]\\(((\\.\\./)*)include/" "](\\1${to_headers}/" text "${text}")
  string(REGEX REPLACE "\\[([^][]+)\\]\\((\\.\\./)*(src|tests|bench|tools)/[^)]*\\)" "\\1" text "${text}")
  file(WRITE ${output}/${document} "${text}")
endforeach()
