using BlockGraph.BlockCore.DriverModel;
using BlockGraph.TestKit.Conformance;
using BlockGraph.TestKit.Cow;
using BlockGraph.TestKit.Tests.Mutants;

namespace BlockGraph.TestKit.Tests.Conformance;

/// <summary>The kit's smallest filter.</summary>
public sealed class PassThroughConformance : FilterConformance<PassThroughDriver>
{
}

/// <summary>The kit's format.</summary>
public sealed class CowConformance : FormatConformance<CowDriver>
{
    protected override IReadOnlyList<string> OtherOptions => ["lazy-table=on", "pass-discard=off"];

    protected override byte[] MakeImage(long lengthBytes) => CowImage.Format(lengthBytes);
}

/// <summary>The kit's storage in memory.</summary>
public sealed class MemoryConformance : ProtocolConformance<MemoryProtocol>
{
    protected override bool ClaimsNoAllocation => false;

    protected override BlockDriver CreateDriver()
    {
        MemoryProtocol memory = new();
        memory.Storage("image", LengthBytes);
        return memory;
    }

    protected override string MakeStorage(long lengthBytes) => "filename=image,latency-ns-max=20000";
}

/// <summary>The filter that mutants are made of, unbroken.</summary>
internal sealed class UnbrokenFilterConformance : FilterConformance<BrokenFilterDriver>
{
}

/// <summary>The format that mutants are made of, unbroken: another one than the kit's.</summary>
internal sealed class UnbrokenFormatConformance : FormatConformance<BrokenFormatDriver>
{
    protected override byte[] MakeImage(long lengthBytes) => BrokenFormatDriver.MakeImage(lengthBytes);
}
