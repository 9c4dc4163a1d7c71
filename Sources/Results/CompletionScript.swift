package import ArgumentParser

/// The scripts by which shells complete a program's command lines.
package enum CompletionScript {
    /// Writes the script that `--generate-completion-script bash` asks for; of other shells the parser's own are right.
    ///
    /// An @ begins a vocabulary's name. Readline is told that all offers are names of files, and would quote it: the
    /// script's function is wrapped by one that takes that back for such words.
    ///
    /// - Returns: whether it was asked for
    package static func write(_ arguments: [String], of program: any ParsableCommand.Type) throws(FileError) -> Bool {
        guard arguments == ["--generate-completion-script", "bash"] else { return false }
        let name = program._commandName
        let script = """
            \(program.completionScript(for: .bash))

            __\(name)_unquoted() {
                _\(name) "${@}"
                if [[ "${2}" = @* ]]; then compopt +o filenames 2> /dev/null; fi
            }

            complete -o filenames -F __\(name)_unquoted \(name)

            """
        try Streams.write(Array(script.utf8))
        return true
    }
}
