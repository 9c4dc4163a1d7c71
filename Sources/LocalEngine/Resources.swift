import Results

/// Paths of the files that an engine needs and that ship with the programs.
package enum Resources {
    package static var demoModel: String { "\(folder)/demo" }
    package static var demoCaptioner: String { "\(folder)/demo-captioner" }
    package static var demoFilter: String { "\(folder)/demo-filter" }
    package static var selfTestPicture: String { "\(folder)/self-test/picture.png" }
    static var golden: String { "\(folder)/self-test/golden.png" }
    static var digests: String { "\(folder)/self-test/sha256sums" }
    package static var clipMerges: String { "\(folder)/clip/merges.txt" }

    static var folder: String { ShippedFiles.folder(of: "dsegd") }
}
