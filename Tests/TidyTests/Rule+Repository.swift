extension Rule {
    static let topLevel = Rule(name: "the top level holds a fixed set of names") { tree in
        let names = [
            "Package.swift", "Sources", "Protos", "Tests", "Systemd", "Packaging", "README.md",
            "LICENSE", "Makefile",
        ]
        let tops = Set(
            tree.files.compactMap { $0.path.split(separator: "/").first.map(String.init) })
        return tops.filter { !names.contains($0) && !$0.hasPrefix(".") }.sorted().map {
            Offence(
                $0, "a stranger at the top level", instead: "find it a room below Sources or Tests")
        }
    }

    static let sizes = Rule(name: "only the demo models and the fixtures are over 1 MB") { tree in
        let homes =
            ["demo/", "demo-captioner/", "demo-filter/"].map { "Sources/dsegd/Resources/\($0)" }
            + ["Tests/Fixtures/"]
        return tree.files.filter { file in
            file.byteCount > 1_000_000 && !homes.contains { file.path.hasPrefix($0) }
        }.map { Offence($0.path, "\($0.byteCount) bytes", instead: "fetch or generate it") }
    }

    static let readme = Rule(name: "the README is short and names what exists") { tree in
        guard let file = tree["README.md"] else { return [] }
        let long =
            file.lines.count < 200
            ? []
            : [
                Offence(file.path, 200, "\(file.lines.count) lines", instead: "say less")
            ]
        let roots = [
            "Sources/", "Protos/", "Tests/", "Systemd/", "Packaging/", ".ci/", "Package.swift",
            "Makefile", "LICENSE",
        ]
        return long
            + file.lines.enumerated().flatMap { number, line in
                line.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                    .filter { $0.offset % 2 == 1 }.map { String($0.element) }
                    .filter { span in
                        roots.contains { span.hasPrefix($0) }
                            && !span.contains { " *<{…".contains($0) }
                    }
                    .filter { !tree.holds($0) }
                    .map {
                        Offence(
                            file.path, number + 1, "\($0) does not exist", instead: "name what does"
                        )
                    }
            }
    }

    static let continuousIntegration = Rule(name: "continuous integration runs what people run") {
        tree in
        var offences: [Offence] = []
        let steps = tree[".ci/run"]?.lines ?? []
        if !steps.contains(where: { $0.containsWord("make test") && !$0.hasPrefix("#") }) {
            offences.append(Offence(".ci/run", "does not call make test", instead: "call it"))
        }
        let makefile = tree["Makefile"]?.lines ?? []
        let missing = ["setup", "build", "test", "demo", "install", "clean"].filter { target in
            !makefile.contains { $0.hasPrefix(target + ":") }
        }
        if !missing.isEmpty {
            offences.append(
                Offence("Makefile", "no \(missing.joined(separator: ", "))", instead: "write them"))
        }
        return offences
    }
}
