import Testing

/// A rule that rejects nothing guards nothing: each must refuse its offending trees, in the right
/// place, and leave the clean ones alone.
@Suite struct RuleTests {
    @Test(arguments: Sample.all.indices)
    func `an offence is rejected where it stands`(index: Int) {
        let sample = Sample.all[index]
        let places = sample.rule.check(Tree(sample.offending)).map { "\($0.path):\($0.line)" }
        #expect(places == [sample.at], "\(sample.rule.name)")
    }

    @Test(arguments: Sample.all.indices)
    func `a clean tree is accepted`(index: Int) {
        let sample = Sample.all[index]
        let offences = sample.rule.check(Tree(sample.clean)).map(\.description)
        #expect(offences == [], "\(sample.rule.name)")
    }

    @Test(arguments: Rule.all)
    func `each rule has a tree that it rejects`(rule: Rule) {
        #expect(Sample.all.contains { $0.rule.name == rule.name })
    }

    @Test func `each banned word is rejected in code and names its replacement`() {
        for banned in Banned.all {
            let path = "Sources/CKernels/" + (banned.word.contains("alloc") ? "a.c" : "a.swift")
            let offences = Rule.words.check(Tree([path: "a\n\(banned.word) b)"]))
            #expect(offences.map(\.line) == [2], "\(banned.word)")
            #expect(offences.allSatisfy { $0.instead == banned.instead }, "\(banned.word)")
        }
    }

    @Test func `words about the past are rejected in any letters and inside comments`() {
        let offences = Rule.words.check(Tree(["Protos/a.proto": "// It is No Longer so."]))
        #expect(offences.map(\.line) == [1])
    }

    @Test func `a longer identifier is not the banned word in it`() {
        let text = "sprint(a); as!b; XXXL; forfatalErrors"
        #expect(Rule.words.check(Tree(["Sources/RPC/A.swift": text])).map(\.why) == ["\"as!\""])
    }
}
