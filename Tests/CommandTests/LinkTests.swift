import Support
import Testing

/// What the programs are made of.
@Suite struct LinkTests {
    /// Whether a program holds these bytes: libraries and symbols stand in it by name.
    private func holds(_ program: String, _ text: String) throws -> Bool {
        let ending = try run(["/bin/grep", "-qaF", text, program])
        #expect(ending.errors == "")
        return ending.code == 0
    }

    /// Libraries by the name the loader looks for, modules by how their symbols begin.
    @Test(arguments: [
        "$s7NIOCore", "$s8NIOPosix", "$s8Networks", "$s7Kernels", "$s12Segmentation", "$s6Server",
        "$s16ServiceLifecycle", "libopenblas",
    ])
    func `the client links no networks`(name: String) throws {
        #expect(try !holds(Repository.dseg, name))
        // What every client has: the search does find names.
        #expect(try holds(Repository.dseg, "$s3RPC"))
        #expect(try holds(Repository.dseg, "libzstd"))
        if name != "$s16ServiceLifecycle" { #expect(try holds(Repository.dsegd, name)) }
    }

    @Test func `the client links no more of Foundation than its essentials`() throws {
        #expect(try holds(Repository.dseg, "FoundationEssentials"))
        #expect(try !holds(Repository.dseg, "libFoundation.so"))
        #expect(try !holds(Repository.dseg, "libFoundationInternationalization"))
    }
}
