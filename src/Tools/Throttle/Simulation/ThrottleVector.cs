using System.Text.Json;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Tools.Throttle.Simulation;

/// <summary>One case of a file of test vectors: limits, and requests of members of one group.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Config">The limits, valid.</param>
/// <param name="MemberCount">How many nodes are in the group.</param>
/// <param name="Requests">The requests, in the file's order.</param>
internal sealed record ThrottleVector(string Name, ThrottleConfig Config, int MemberCount, SimulatedRequest[] Requests)
{
    /// <summary>The most nodes of one group.</summary>
    public const int MemberCountMax = 4096;

    /// <summary>Reads a JSON array of vectors; fields that are not known are passed over.</summary>
    /// <exception cref="BlockException">Something is malformed; the message names the vector, the request and the field.</exception>
    public static IReadOnlyList<ThrottleVector> ReadAll(ReadOnlyMemory<byte> json)
    {
        if (json.Span.StartsWith("\uFEFF"u8))
        {
            json = json[3..];
        }

        using JsonDocument document = Parse(json);
        JsonElement root = document.RootElement;
        return root.ValueKind == JsonValueKind.Array
            ? [.. root.EnumerateArray().Select(Read)]
            : throw new BlockException("an array of vectors is expected");
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            return JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
        catch (JsonException failure)
        {
            // The reader's own words quote whatever stands there, however long it is.
            string place = failure.LineNumber is { } line ? $" at line {line + 1}, byte {failure.BytePositionInLine + 1}" : ": a field is there twice";
            throw new BlockException(BlockErrorKind.InvalidArgument, $"no valid JSON{place}", failure);
        }
    }

    private static ThrottleVector Read(JsonElement element, int index)
    {
        JsonFields vector = new(element, $"vector {index}");
        string name = vector.Text("name");
        vector = vector.Called($"vector '{name}'");
        ThrottleConfig config = ReadLimits(vector);
        int memberCount = (int)vector.Integer("members", 1, MemberCountMax);
        JsonElement requests = vector.Of("requests", JsonValueKind.Array, "an array");
        SimulatedRequest[] read = new SimulatedRequest[requests.GetArrayLength()];
        int number = 0;
        foreach (JsonElement request in requests.EnumerateArray())
        {
            read[number] = ReadRequest(request, vector, number, memberCount);
            number++;
        }

        return new ThrottleVector(name, config, memberCount, read);
    }

    private static ThrottleConfig ReadLimits(JsonFields vector)
    {
        ThrottleLimitsUpdate update = new();
        foreach (JsonProperty limit in vector.Of("limits", JsonValueKind.Object, "an object").EnumerateObject())
        {
            if (!ThrottleKeys.TryFind(limit.Name, out ThrottleKey? key))
            {
                throw vector.Failure("limits", $"Parameter 'limits.{limit.Name}' is unexpected");
            }

            update[key] = limit.Value.ValueKind == JsonValueKind.Number && limit.Value.TryGetInt64(out long value)
                ? value
                : throw vector.Failure("limits", $"Invalid parameter type for 'limits.{limit.Name}', expected: integer");
        }

        ThrottleConfig config = ThrottleConfig.Unlimited.Merge(update);
        try
        {
            config.Validate("limits.");
            return config;
        }
        catch (BlockException failure)
        {
            throw vector.Failure("limits", failure.Message);
        }
    }

    private static SimulatedRequest ReadRequest(JsonElement element, JsonFields vector, int number, int memberCount)
    {
        JsonFields request = new(element, vector.Where, number);
        long submitNs = request.Integer("t_ns", 0, long.MaxValue);
        int member = (int)request.Integer("member", 0, memberCount - 1);
        string name = request.Text("kind");
        if (!SimulatedKinds.TryFind(name, out RequestKind kind))
        {
            throw request.Failure("kind", $"'{name}' is none of {SimulatedKinds.Names}");
        }

        // A flush has no length.
        long lengthBytes = kind == RequestKind.Flush && !request.Has("bytes") ? 0 : request.Integer("bytes", 0, long.MaxValue);
        return SimulatedKinds.FindLengthError(kind, lengthBytes) is { } error
            ? throw request.Failure("bytes", error)
            : new SimulatedRequest(submitNs, member, kind, lengthBytes);
    }
}
