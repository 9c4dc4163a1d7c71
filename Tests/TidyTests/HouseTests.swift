import Testing

/// The repository as it lies on the disk keeps each rule of the house.
@Suite struct HouseTests {
    static let house = Result { try Tree.repository() }

    @Test(arguments: Rule.all)
    func `the repository keeps the rule`(rule: Rule) throws {
        let offences = rule.check(try Self.house.get())
        #expect(offences.isEmpty, "\(offences.map(\.description).joined(separator: "\n"))")
    }

    @Test func `the repository is seen at all`() throws {
        let tree = try Self.house.get()
        #expect(
            tree.holds("Package.swift") && tree.holds("Sources/")
                && tree.holds("Tests/TidyTests/HouseTests.swift"))
        #expect(!tree.holds(".git") && !tree.holds(".build"))
    }
}
