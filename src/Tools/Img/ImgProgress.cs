using System.Globalization;
using System.Runtime.InteropServices;
using BlockGraph.BlockCore.Images;
using BlockGraph.Tools.Throttle;

namespace BlockGraph.Tools.Img;

/// <summary>
/// Shows how far a command has come: with <c>-p</c> all the time, otherwise when a signal asks (SIGUSR1). On a terminal, and by the program's own name, a line with rate and time to go;
/// elsewhere percentages in the form that scripts know.
/// </summary>
internal sealed class ImgProgress : IProgress<ImageProgress>, IProgress<double>, IDisposable
{
    private const double MinStepPercent = 1;
    private const double MinStepSeconds = 0.1;

    // What is no name of the runtime's goes by its number.
    private const PosixSignal UserSignal = (PosixSignal)10;

    private readonly ImgCall _call;
    private readonly bool _isShown;
    private readonly bool _isLine;
    private readonly TimeProvider _clock;
    private readonly long _startStamp;
    private readonly PosixSignalRegistration? _registration;
    private double _lastPercent = double.NegativeInfinity;
    private double _lastSeconds = double.NegativeInfinity;
    private double _percent;
    private bool _hasBegun;
    private bool _hasShownBeginning;
    private double _shownFraction = -1;
    private ImageProgress? _amounts;
    private int _lastLength;
    private volatile bool _isAsked;

    /// <summary>Begins at nothing.</summary>
    /// <param name="call">Whose.</param>
    /// <param name="isShown">True to show it all the time.</param>
    public ImgProgress(ImgCall call, bool isShown)
    {
        _call = call;
        _isShown = isShown;
        _isLine = isShown && !call.Name.FollowsTexts && call.Console.IsErrorTerminal;
        _clock = call.World.Context.TimeProvider;
        _startStamp = _clock.GetTimestamp();
        _hasBegun = call.Name.FollowsTexts;
        _registration = OperatingSystem.IsLinux() ? PosixSignalRegistration.Create(UserSignal, OnSignal) : null;
    }

    /// <summary>Shows the beginning before anything is opened, where scripts know it there.</summary>
    public void Begin()
    {
        if (_isShown && _call.Name.FollowsTexts)
        {
            ShowPercent(isAlways: true);
            _hasShownBeginning = true;
        }
    }

    /// <inheritdoc/>
    public void Report(ImageProgress value) => Show(value.Fraction, value);

    /// <summary>Tells of work that is no number of bytes, as a part of one.</summary>
    public void Report(double value) => Show(value, null);

    private void Show(double fraction, ImageProgress? amounts)
    {
        _hasBegun |= !_isLine;
        (_percent, _amounts) = (fraction * 100, amounts);
        if (_isLine)
        {
            ShowLine(fraction, amounts);
        }
        else if (_isShown)
        {
            ShowPercent(isAlways: false);
        }
        else if (_isAsked)
        {
            _isAsked = false;
            _call.Console.Error.WriteLine(Percent);
        }
    }

    /// <summary>Everything is done.</summary>
    public void Complete()
    {
        _hasBegun |= !_isLine;
        _percent = 100;
        if (_isLine && _shownFraction < 1)
        {
            ShowLine(1, _amounts is { } last ? last with { DoneBytes = last.TotalBytes } : null);
        }
        else if (_isShown && !_isLine)
        {
            ShowPercent(isAlways: true);
        }
    }

    /// <summary>Everything is done, though what follows has failed: tells of it unless it was told.</summary>
    public void CompleteOnce()
    {
        if (_percent < 100)
        {
            Complete();
        }
    }

    /// <summary>What is printed next stands in the place of the line, which is shown again below it.</summary>
    public void MakeRoom()
    {
        if (_isLine && _lastLength > 0)
        {
            _call.Console.Error.Write($"\r{new string(' ', _lastLength)}\r");
            _lastLength = 0;
        }
    }

    /// <summary>What is printed next stands on a line of its own.</summary>
    public void End()
    {
        if (!_hasBegun)
        {
            return;
        }

        if (_isLine)
        {
            _call.Console.Error.WriteLine();
        }
        else if (_isShown)
        {
            _call.Out.WriteLine();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _registration?.Dispose();

    private string Percent => $"    ({_percent.ToString("F2", CultureInfo.InvariantCulture)}/100%)";

    // In steps of one percent; the first and the last are always shown.
    private void ShowPercent(bool isAlways)
    {
        bool wasShown = _hasShownBeginning && _percent == 0;
        _hasShownBeginning = false;
        if (wasShown)
        {
            return;
        }

        if (isAlways || _percent > _lastPercent + MinStepPercent || _percent == 0 || _percent >= 100)
        {
            _lastPercent = _percent;
            _call.Out.Write(Percent + "\r");
            _call.Out.Flush();
        }
    }

    private void ShowLine(double fraction, ImageProgress? amounts)
    {
        double seconds = _clock.GetElapsedTime(_startStamp).TotalSeconds;
        if (seconds < _lastSeconds + MinStepSeconds && fraction < 1)
        {
            return;
        }

        _lastSeconds = seconds;
        (_hasBegun, _shownFraction) = (true, fraction);
        double rate = seconds > 0 ? fraction / seconds : 0;
        string left = rate > 0 && fraction < 1 ? $", {QuantityText.Duration((1 - fraction) / rate)} to go" : "";
        string done = amounts is { } bytes
            ? $"{QuantityText.Amount(bytes.DoneBytes, true)} of {QuantityText.Amount(bytes.TotalBytes, true)}, {QuantityText.Rate(rate * bytes.TotalBytes, true)}"
            : $"{(rate * 100).ToString("F1", CultureInfo.InvariantCulture)} %/s";
        string line = $"{_percent.ToString("F1", CultureInfo.InvariantCulture),5} %  {done}{left}";
        if (_call.Console.ErrorWidth is { } width && line.Length >= width)
        {
            line = line[..Math.Max(0, width - 1)];
        }

        _call.Console.Error.Write("\r" + line.PadRight(_lastLength));
        _call.Console.Error.Flush();
        _lastLength = line.Length;
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        _isAsked = true;
    }
}
