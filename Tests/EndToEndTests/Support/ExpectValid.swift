import SystemPackage
import TestSupport
import Testing

/// Expects a JSON file to keep to one of the published schemas.
///
/// - Parameters:
///   - file: The JSON.
///   - schema: The name of the schema in Documentation.
///   - sourceLocation: Where the expectation is.
/// - Throws: An error if Python cannot be run.
func expectValid(
  _ file: FilePath, schema: String, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  try expectValid([file], schema: schema, sourceLocation: sourceLocation)
}

/// Expects JSON files to keep to one of the published schemas, all in one run of Python.
func expectValid(
  _ files: [FilePath], schema: String, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  var root = FilePath(#filePath)
  for _ in 0..<4 { root.removeLastComponent() }
  let schema = root.appending("Documentation").appending(schema)
  let script = """
    import json, sys
    import jsonschema
    schema = json.load(open(sys.argv[1]))
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    for file in sys.argv[2:]:
      validator(schema).validate(json.load(open(file)))
    """
  // The system's own python3 first: that is the one which the package extends.
  let result = try Command.shell(
    "PATH=/usr/bin:$PATH; exec python3 \"$@\"", ["-c", script, schema.string] + files.map(\.string)
  ).run()
  #expect(
    result.exitCode == 0, "needs python3-jsonschema: \(result)", sourceLocation: sourceLocation)
}
