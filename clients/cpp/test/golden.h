// The golden files of conformance/, and what the reader says in their terms.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <google/protobuf/struct.pb.h>

#include "recourse_errors.h"

namespace golden {

using google::protobuf::Struct;

struct Case {
  std::string name;
  bool crosses = true;  // a connection
  int code = 0;
  std::string message, status;
  std::vector<std::pair<std::string, std::string>> trailers;
  Struct report;

  // The report of the reader.
  Struct Read() const;
};

// Reads all files of a folder, in the order of their names. It throws where there is none, or one cannot be read.
std::vector<Case> Load(const std::string& folder);

Struct ParseJson(const std::string& text);
std::string ReadFile(const std::string& path);

Struct Of(const recourse::Error& error);
Struct Of(const std::optional<recourse::Degraded>& degraded);

// Says in what two reports differ, nothing where they are the same.
std::string Difference(const Struct& got, const Struct& want);

}  // namespace golden
