import RPC
import Support
import Testing

/// What `dseg` says of itself.
@Suite struct HelpTests {
    @Test(arguments: [
        [], ["mask"], ["words"], ["explain"], ["figure"], ["eval"], ["redo"], ["recipes"], ["status"], ["top"],
        ["metrics"], ["ps"], ["warm"], ["unload"], ["model"], ["doctor"],
    ])
    func `help is as it was last agreed on`(command: [String]) throws {
        let ending = try run([Repository.dseg] + command + ["--help"])
        #expect(ending.code == 0)
        #expect(ending.errors == "")
        let name = (["dseg"] + command).joined(separator: "-")
        let agreed = try bytes("\(Repository.fixtures)/help/\(name).txt")
        #expect(ending.text == String(decoding: agreed, as: UTF8.self))
    }

    @Test func `no command at all gets the same help`() throws {
        let ending = try run([Repository.dseg])
        #expect(ending.code == 0)
        #expect(ending.output == (try run([Repository.dseg, "--help"]).output))
    }

    @Test(arguments: [Repository.dseg, Repository.dsegd, Repository.dsegBench])
    func `each program tells the version`(program: String) throws {
        let ending = try run([program, "--version"])
        #expect(ending.code == 0)
        #expect(ending.text == "\(Version.current)\n")
    }
}
