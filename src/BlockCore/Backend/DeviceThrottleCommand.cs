using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.BlockCore.Backend;

/// <summary>The command that gives a device its limits, in its typed form and as a person writes it. <i>QEMU: block_set_io_throttle.</i></summary>
public static class DeviceThrottleCommand
{
    private const string Command = "block_set_io_throttle";

    extension(NodeGraph graph)
    {
        /// <summary>Gives a device the limits of <paramref name="request"/>; see <see cref="BlockBackend.LimitAsync(ThrottleConfig, string?)"/>. Any thread.</summary>
        /// <exception cref="BlockException">There is no such device, it has no medium, or the limits contradict one another; nothing has changed.</exception>
        public Task SetIoThrottleAsync(DeviceThrottleRequest request)
        {
            ArgumentNullException.ThrowIfNull(request);
            return graph.MainContext.RunAsync(() =>
            {
                BlockBackend backend = Find(graph, request);
                if (backend.RootEdge is null)
                {
                    throw new BlockException(BlockErrorKind.NoMedium, "Device has no medium");
                }

                request.Validate();
                return backend.LimitAsync(request.Limits, request.Group, defaultName: request.Device ?? request.Id, keepsShape: true);
            });
        }

        /// <summary>
        /// Gives a device the limits in <paramref name="words"/>: the backend's name, or else the device's id, and the six rates in bytes and operations per
        /// second, of all requests, reads and writes. Any thread.
        /// </summary>
        /// <exception cref="BlockException">The words are not such, or as for <see cref="SetIoThrottleAsync(NodeGraph, DeviceThrottleRequest)"/>.</exception>
        public Task SetIoThrottleAsync(string words)
        {
            ArgumentNullException.ThrowIfNull(words);
            string[] parts = words.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length == 0)
            {
                throw new BlockException($"{Command}: block device name expected");
            }

            ThrottleLimitsUpdate update = new();
            for (int i = 0; i < ThrottleKeys.MeterCount; i++)
            {
                update[ThrottleKeys.Of((ThrottleMeter)i, ThrottleKeyPart.Rate)] = ReadRate(parts, i + 1);
            }

            if (parts.Length > ThrottleKeys.MeterCount + 1)
            {
                throw new BlockException($"{Command}: extraneous characters at the end of line");
            }

            return graph.MainContext.RunAsync(() =>
            {
                bool isName = graph.FindBackend(parts[0]) is not null;
                return graph.SetIoThrottleAsync(new DeviceThrottleRequest
                {
                    Device = isName ? parts[0] : null,
                    Id = isName ? null : parts[0],
                    Limits = ThrottleConfig.Unlimited.Merge(update),
                });
            });
        }
    }

    private static BlockBackend Find(NodeGraph graph, DeviceThrottleRequest request)
    {
        if (request.Device is null == request.Id is null)
        {
            throw new BlockException("Need exactly one of 'device' and 'id'");
        }

        BlockBackend? backend = request.Device is { } name
            ? graph.FindBackend(name)
            : graph.Backends.FirstOrDefault(b => b.Device?.Id == request.Id);
        return backend ?? throw new BlockException(BlockErrorKind.NotFound, $"Device '{request.Device ?? request.Id}' not found");
    }

    private static long ReadRate(string[] parts, int index)
    {
        if (index >= parts.Length)
        {
            throw new BlockException("unexpected end of expression");
        }

        string text = parts[index];
        return NumberText.TryParse(text, out long rate) == NumberTextStatus.Ok
            ? rate
            : throw new BlockException($"invalid char '{text.FirstOrDefault(c => !char.IsAsciiDigit(c), text[0])}' in expression");
    }
}
