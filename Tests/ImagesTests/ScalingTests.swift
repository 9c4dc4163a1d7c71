import Testing

@testable import Images

@Suite struct ScalingTests {
    /// Each product is rounded once, to nearest: in doubles that of two floats is exact.
    @Test(arguments: [0, 1, 7, 16, 33])
    func `scores are multiplied one by one`(count: Int) {
        let scores = (0..<count).map { Float($0) / 33 - 0.2 }
        #expect(Compositing.scaled(scores, by: 255) == scores.map { Float(Double($0) * 255) })
    }
}
